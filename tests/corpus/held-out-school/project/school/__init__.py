from flask import Flask

from school.extensions import init_celery


def create_app():
    app = Flask(__name__)
    app.config.from_object("school.config.Config")
    init_celery(app)

    from school.views import bp

    app.register_blueprint(bp)
    return app
