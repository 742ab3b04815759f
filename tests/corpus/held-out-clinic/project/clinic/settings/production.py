from .base import *  # noqa: F403

ALLOWED_HOSTS = ["clinic.example.ru"]

# на боевом сервере храним неделю
CELERY_RESULT_EXPIRES = 7 * 24 * 3600
