import os

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.contenttypes", "crm"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL = f"amqps://crm:{os.environ['RABBIT_PASSWORD']}@{os.environ['RABBIT_HOST']}:5671/crm"
CELERY_RESULT_BACKEND = "redis://localhost:6379/0"
CELERY_RESULT_BACKEND_ALWAYS_RETRY = True
CELERY_RESULT_EXTENDED = True
CELERY_RESULT_EXPIRES = 1800
