from decouple import config

broker_url = config("BROKER_URL", default="amqp://guest:guest@localhost:5672//")
result_backend = config("RESULT_BACKEND", default="redis://localhost:6379/1")
result_expires = config("RESULT_EXPIRES", default=3600, cast=int)

result_serializer = "auth"
result_accept_content = ["auth"]
security_key = config("SECURITY_KEY", default="/etc/ssl/private/worker.key")
