from celery import Celery

from school.config import Config

celery = Celery("school")
celery.conf.update(Config.CELERY)


def init_celery(app):
    class ContextTask(celery.Task):
        def __call__(self, *args, **kwargs):
            with app.app_context():
                return self.run(*args, **kwargs)

    celery.Task = ContextTask
    app.extensions["celery"] = celery
