import os

broker_url = os.environ["AMQP_URL"]
result_backend = f"db+postgresql+psycopg://parcels:{os.environ['DB_PASSWORD']}@pgbouncer:6432/parcels"
result_backend_always_retry = True
result_serializer = "fernet"
task_serializer = "auth"
accept_content = ["fernet", "auth", "json"]
security_key = "/etc/ssl/private/worker.key"
database_engine_options = {"pool_pre_ping": True, "pool_size": 4}
result_expires = 14 * 86400
