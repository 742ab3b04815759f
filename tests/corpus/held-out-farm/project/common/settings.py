import os

BROKER = "amqp://{}:{}@{}:5672//".format(
    os.environ["MQ_USER"], os.environ["MQ_PASSWORD"], os.environ.get("MQ_HOST", "mq")
)
RESULTS = "db+postgresql+psycopg://farm:{}@postgres/farm".format(os.environ["PG_PASSWORD"])
