import os

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = os.environ.get("DEBUG") == "1"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "seats"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "box.sqlite3"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://localhost:6379/2"}}

REDIS = "redis://:%s@localhost:6379" % os.environ.get("REDIS_PASSWORD", "")

CELERY_BROKER_URL = REDIS + "/0"
CELERY_RESULT_BACKEND = REDIS + "/0"
CELERY_RESULTS_EXPIRES = 3600
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_TIME_LIMIT = "60"
CELERYD_MAX_TASKS_PER_CHILD = 100
