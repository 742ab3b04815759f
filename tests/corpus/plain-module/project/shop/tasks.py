import requests

from shop.celery import app

PAYMENTS = "https://payments.example.com/v2"


@app.task(bind=True, max_retries=3, acks_late=True)
def charge(self, order_id, amount):
    try:
        response = requests.get(f"{PAYMENTS}/charge/{order_id}", params={"amount": amount}, timeout=10)
    except requests.ConnectionError as error:
        raise self.retry(exc=error, countdown=5)
    return {"order": order_id, "status": response.json().get("status", "unknown")}


@app.task(expires=86400)
def nightly_report(day):
    return {"day": day, "orders": 0}
