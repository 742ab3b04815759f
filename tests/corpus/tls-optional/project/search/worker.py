import os
import ssl

from celery import Celery

app = Celery("search")
app.conf.update(
    broker_url=f"amqps://search:{os.environ['RABBIT_PASSWORD']}@mq.example.org:5671/search",
    result_backend="rediss://results.example.org:6380/0",
    redis_backend_use_ssl={"ssl_cert_reqs": ssl.CERT_OPTIONAL, "ssl_ca_certs": "/etc/ssl/redis-ca.pem"},
    result_backend_always_retry=True,
    result_expires=900,
    task_soft_time_limit=300,
    task_time_limit=600,
)


@app.task(autoretry_for=(OSError,))
def reindex(index):
    return f"{index}: done"
