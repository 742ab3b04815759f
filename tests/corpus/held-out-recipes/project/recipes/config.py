import os

MONGO = "mongodb+srv://{user}:{password}@cluster0.example.mongodb.net/recipes?retryWrites=true"


def mongo_url() -> str:
    return MONGO.format(user=os.environ["MONGO_USER"], password=os.environ["MONGO_PASSWORD"])


class CeleryConfig:
    broker_url = os.environ.get("BROKER_URL", "amqp://guest:guest@localhost:5672//")
    result_backend = mongo_url()
    mongodb_backend_settings = {"database": "recipes", "taskmeta_collection": "celery_results"}
    result_backend_always_retry = True
    result_expires = 86400
    result_chord_join_timeout = 30
    task_soft_time_limit = 300
