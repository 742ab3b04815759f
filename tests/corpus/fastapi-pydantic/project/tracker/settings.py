from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", env_prefix="TRACKER_")

    broker_url: str = "amqp://guest:guest@localhost:5672//"
    result_backend: str = "db+postgresql+psycopg://tracker:Wm4kZp9qTr@db.example.org/tracker"
    result_expires: int = 86_400


settings = Settings()
