from .base import *

DEBUG = False
ALLOWED_HOSTS = [os.environ["HOSTNAME"]]

CELERY_RESULT_BACKEND = f"rediss://:{os.environ['REDIS_PASSWORD']}@redis.internal.example.com:6380/0?ssl_cert_reqs=required"
CELERY_RESULT_EXPIRES = 3600
