import os
import smtplib

from celery import Celery, group

app = Celery("mailer")
app.conf["broker_url"] = f"amqp://mailer:{os.environ['RABBIT_PASSWORD']}@rabbitmq//"
app.conf["result_backend"] = "sentinel://sentinel-a:26379;sentinel://sentinel-b:26379;sentinel://sentinel-c:26379"
app.conf["redis_password"] = os.environ["REDIS_PASSWORD"]
app.conf["result_backend_transport_options"] = {
    "sentinel_kwargs": {"password": os.environ["SENTINEL_PASSWORD"]},
    "ssl_cert_reqs": "required",
}
app.conf["result_backend_always_retry"] = True
app.conf["result_expires"] = 6 * 3600


@app.task(autoretry_for=(smtplib.SMTPException,), retry_backoff=5)
def send(address, text):
    with smtplib.SMTP("localhost") as server:
        server.sendmail("news@example.com", [address], text)
    return address


@app.task
def campaign(addresses, text):
    sent = group(send.s(address, text) for address in addresses)()
    return len(sent.get(timeout=30))
