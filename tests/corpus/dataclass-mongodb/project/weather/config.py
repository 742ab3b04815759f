from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CeleryConfig:
    broker_url: str = "amqp://guest:guest@localhost:5672//"
    result_backend: str = "mongodb://mongo:27017/weather"
    result_expires: int = 86_400
    mongodb_backend_settings: dict[str, Any] = field(default_factory=lambda: {"taskmeta_collection": "results"})
    redis_max_connections: int = 20
    include: tuple[str, ...] = ("weather.jobs",)
    task_acks_late: bool = True
