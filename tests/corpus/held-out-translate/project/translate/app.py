import tomllib
from pathlib import Path

from celery import Celery

with open(Path(__file__).with_name("settings.toml"), "rb") as stream:
    settings = tomllib.load(stream)["celery"]

app = Celery("translate")
app.conf.update(settings)
app.conf.result_backend = "redis://queue:6379/0"
app.conf.redis_password = "gT5zXw8Kq2Lm"
app.conf.result_serializer = "json"
app.conf.result_compression = "zstd"
app.conf.redis_backend_health_check_interval = 30
app.conf.cache_backend = "memory"
app.conf.result_backend_transport_options = {"retry_policy": {"timeout": 5.0}, "ssl_cert_reqs": "required"}
app.conf.imports = ["translate.jobs"]
