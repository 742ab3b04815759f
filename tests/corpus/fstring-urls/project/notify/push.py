import httpx
from celery import group

from notify.app import app

GATEWAY = "https://push.example.com"


@app.task(bind=True, max_retries=5)
def push(self, device, text):
    answer = httpx.post(f"{GATEWAY}/{device}", json={"text": text})
    if answer.status_code >= 500:
        raise self.retry(countdown=2**self.request.retries)
    return answer.status_code


@app.task(ignore_result=True)
def fan_out(devices, text):
    group(push.s(device, text) for device in devices).apply_async(expires=120)
