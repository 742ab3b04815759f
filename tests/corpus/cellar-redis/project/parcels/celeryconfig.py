import os

broker_url = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672//")

result_backend = "cellar+redis://localhost:6379/4"
result_expires = 2 * 24 * 3600
redis_socket_timeout = 5.0
redis_socket_keepalive = True
redis_socket_keepalive_options = {"TCP_KEEPIDLE": 60}

imports = ("parcels.tasks",)
task_time_limit = 900
