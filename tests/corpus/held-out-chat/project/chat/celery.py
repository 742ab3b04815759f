from __future__ import annotations

import os
from typing import Final

from celery import Celery

NODES: Final[tuple[str, ...]] = ("redis-1", "redis-2", "redis-3")
PASSWORD: Final[str] = os.environ["REDIS_PASSWORD"]

app: Celery = Celery("chat", include=["chat.jobs"])
app.conf.broker_url = os.environ["AMQP_URL"]
app.conf.result_backend = f"redis://:{PASSWORD}@redis-1:6379,redis-2:6379,redis-3:6379/0"
app.conf.result_expires = 600  # ten minutes
app.conf.redis_socket_connect_timeout = 2_000
app.conf.redis_password = PASSWORD
app.conf.worker_send_task_events = True
