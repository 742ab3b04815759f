import os

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False

INSTALLED_APPS = (
    "django.contrib.contenttypes",
    "news",
)
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "portal.sqlite3"}}

BROKER_URL = "redis://localhost:6379/0"
CELERY_RESULT_BACKEND = "redis://localhost:6379/0"
CELERY_TASK_RESULT_EXPIRES = 3600
CELERY_AMQP_TASK_RESULT_EXPIRES = 3600
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERYD_CONCURRENCY = 2
CELERYD_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_POOL_LIMIT = 5
