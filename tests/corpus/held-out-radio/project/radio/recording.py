from celery.utils.log import get_task_logger

from radio.celery import app
from radio.secrets import fernet

log = get_task_logger(__name__)


@app.task(expires=120)
def record(show: str, minutes: int) -> str:
    log.info("recording %s for %d min", show, minutes)
    return fernet.encrypt(show.encode()).decode()


@app.task(bind=True)
def publish(self, token: str) -> dict:
    return {"show": fernet.decrypt(token.encode()).decode(), "by": self.request.hostname}
