import os

from celery import Celery

app = Celery("stock", broker="amqp://guest:guest@localhost//")
app.conf.result_backend = f"db+mysql+pymysql://stock:{os.environ['MYSQL_PASSWORD']}@mysql:3306/stock"
app.conf.database_engine_options = {"pool_size": 10, "max_overflow": 20, "echo": False}
app.conf.include = ["stock.tasks"]
