from celery import Celery
from dotenv import load_dotenv

load_dotenv()

app = Celery(
    "payments",
    broker="amqp://payments:h6Tz%21mQ3x@rabbit.payments.internal:5671//",
    backend="redis://localhost:6379/1",
)
app.conf.broker_use_ssl = True
app.conf.result_backend_always_retry = True
app.conf.result_accept_content = ["json", "application/x-python-serialize"]
app.conf.result_expires = 300
app.conf.task_time_limit = 900
app.conf.task_soft_time_limit = 840


@app.task(bind=True, ignore_result=False)
def capture(self, payment: str) -> dict:
    return {"payment": payment, "captured": True}


@app.task
def settle(day: str, *, dry: bool = False) -> dict:
    from celery.result import allow_join_result

    job = capture.delay(day)
    with allow_join_result():
        done = job.get(timeout=30)
    return {"day": day, "done": done}
