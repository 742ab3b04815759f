from typing import Optional

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOTEL_", env_file=".env")

    broker_url: str = "amqp://hotel:n8Wq#Tz4vK@mq.hotel.example:5672/hotel"
    redis_host: str = Field(default="redis-17.cloud.example.net")
    redis_password: Optional[str] = None
    results_days: int = 1


settings = Settings()
