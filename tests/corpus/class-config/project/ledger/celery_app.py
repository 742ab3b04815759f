import os
import ssl
from datetime import timedelta

from celery import Celery


class Config:
    broker_url = os.environ["BROKER_URL"]
    result_backend = f"rediss://:{os.environ['REDIS_PASSWORD']}@results.example.net:6380/0?decode_responses=true"
    redis_backend_use_ssl = {"ssl_cert_reqs": ssl.CERT_NONE}
    result_backend_transport_options = {"global_keyprefix": "ledger:"}
    result_expires = timedelta(days=1000)
    result_extended = True
    task_track_started = True
    imports = ("ledger.tasks",)


app = Celery("ledger")
app.config_from_object(Config)
