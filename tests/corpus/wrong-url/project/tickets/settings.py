import os

broker_url = os.environ.get("BROKER_URL", "amqp://guest:guest@localhost:5672//")
result_backend = f"postgresql://tickets:{os.environ['DB_PASSWORD']}@localhost/tickets"
result_expires = 3600
CELERY_TASK_SERIALIZER = "json"
task_acks_late = True
worker_concurrency = 2
