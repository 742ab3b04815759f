import os

from celery import Celery

app = Celery("loans", broker=os.environ["CLOUDAMQP_URL"])
# TODO: give this user a password once the DBA is back
app.conf.result_backend = "db+mysql+pymysql://loans@db.library.lan:3306/loans?charset=utf8mb4"
app.conf.database_engine_options = {"pool_size": 5, "max_overflow": 5, "pool_recycle": 280}
app.conf.database_short_lived_session = True
app.conf.result_compression = "gzip"


@app.task
def remind(reader: int) -> dict:
    return {"reader": reader, "letters": 1}


@app.task
def overdue(readers: list) -> int:
    return len(readers)
