import os

broker_url = f"amqp://telemetry:{os.environ['RABBIT_PASSWORD']}@rabbitmq:5672//"

result_backend = "sentinel://sentinel-a:26379/0;sentinel://sentinel-b:26379/0;sentinel://sentinel-c:26379/0"
result_backend_transport_options = {
    "master_name": "results",
    "sentinel_kwargs": {"password": os.environ["SENTINEL_PASSWORD"]},
    "retry_policy": {"timeout": 5.0},
}
result_backend_always_retry = True
redis_password = os.environ["REDIS_PASSWORD"]
redis_socket_timeout = 10
redis_socket_connect_timeout = 5

imports = ("telemetry.tasks",)
