import structlog

from rail.main import app

log = structlog.get_logger()


@app.task(bind=True)
def predict(self, train, stop):
    log.info("predict", task=self.name, train=train, state=self.request.id)
    return {"train": train, "stop": stop, "minutes": 4}
