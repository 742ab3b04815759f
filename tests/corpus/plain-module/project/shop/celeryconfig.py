"""Celery's settings. The queues are explained in the runbook."""

broker_url = "amqp://shop:Tq7-vRm2xLpw@mq.internal.example.com:5672/shop"
broker_connection_retry_on_startup = True

result_backend = "redis://cache.internal.example.com:6379/1"
result_expire = 3600
result_compression = "gzip"
result_compression_level = 6

accept_content = ["json", "pickle"]
task_serializer = "json"
result_serializer = "json"

task_routes = {"shop.tasks.charge": {"queue": "payments"}}
worker_prefetch_multiplier = 1
timezone = "Europe/Lisbon"
