import os


class Config:
    SECRET_KEY = os.environ.get("SECRET_KEY", "dev")
    CELERY = {
        "broker_url": os.environ.get("AMQP_URL", "amqp://guest:guest@localhost//"),
        "result_backend": "rpc://",
        "result_persistent": True,
        "result_expires": 900,
        "imports": ["school.grading"],
        "task_ignore_result": False,
    }
