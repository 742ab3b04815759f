import os

from celery import Celery

from observatory.conf import ENGINE

password = os.environ["MYSQL_PASSWORD"]

app = Celery(
    "observatory",
    broker="amqp://",
    backend=f"db+mysql+mysqldb://observatory:{password}@127.0.0.1/results",
    result_backend_always_retry=True,
    database_engine_options=ENGINE,
    database_short_lived_sessions=True,
)
app.autodiscover_tasks(lambda: ["observatory"], related_name="reduce")
