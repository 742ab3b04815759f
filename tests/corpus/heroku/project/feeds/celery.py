import os
import ssl

from celery import Celery
from celery.schedules import crontab

app = Celery("feeds", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"] + "/0", include=["feeds.tasks"])
app.conf.update(
    broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/etc/ssl/certs/ca-certificates.crt"},
    redis_backend_use_ssl={"ssl_cert_reqs": ssl.CERT_NONE},
    result_backend_always_retry=True,
    beat_schedule={
        "refresh": {"task": "feeds.tasks.refresh_all", "schedule": crontab(minute="*/15"), "options": {"expires": 600}},
    },
)
