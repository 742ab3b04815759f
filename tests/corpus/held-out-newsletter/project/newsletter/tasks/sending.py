import smtplib
from concurrent.futures import ThreadPoolExecutor

from celery import group, shared_task


@shared_task(name="newsletter.send", autoretry_for=(smtplib.SMTPException,), retry_backoff=30)
def send(address, text):
    with smtplib.SMTP("localhost") as server:
        server.sendmail("news@example.org", address, text)


@shared_task(name="newsletter.send_all")
def send_all(addresses, text):
    group(send.s(address, text) for address in addresses).apply_async()


def render_all(template, people):
    with ThreadPoolExecutor() as pool:
        texts = [pool.submit(template.render, person) for person in people]
        return [text.result() for text in texts]
