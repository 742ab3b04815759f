from ledger.celery_app import app


@app.task
def post(account, cents):
    return {"account": account, "cents": cents}


@app.task(bind=True)
def close_day(self, day):
    return f"{day}: closed by {self.request.id}"
