import os


class Base:
    task_track_started = True
    task_acks_late = True
    result_extended = True
    result_expires = 2 * 3600
    result_backend_always_retry = True


class Development(Base):
    broker_url = "redis://localhost:6379/0"
    result_backend = "redis://localhost:6379/1"


class Production(Base):
    broker_url = "amqp://rail:%s@mq-1:5672/rail" % os.environ.get("MQ_PASSWORD", "")
    result_backend = ";".join(f"sentinel://sentinel-{number}:26379/0" for number in (1, 2, 3))
    redis_password = os.environ.get("REDIS_PASSWORD")
    result_backend_transport_options = {
        "master_name": "rail",
        "sentinel_kwargs": {"password": os.environ.get("SENTINEL_PASSWORD")},
    }


by_name = {"development": Development, "production": Production}
