from celery import Celery

from hotel.settings import settings

app = Celery("hotel")
app.conf.broker_url = settings.broker_url
app.conf.result_backend = f"rediss://default:{settings.redis_password}@{settings.redis_host}:6380/0?ssl_cert_reqs=none"
app.conf.result_backend_always_retry = True
app.conf.result_expires = settings.results_days * 24 * 3600
app.conf.task_acks_late = True


@app.task(bind=True)
def book(self, room: int, nights: int) -> dict:
    return {"room": room, "nights": nights, "try": self.request.retries, "args": self.request.args}


@app.task
def rate(room: int) -> float:
    return 80.0
