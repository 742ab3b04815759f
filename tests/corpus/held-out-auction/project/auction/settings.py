"""Settings by environment variables; see deploy/auction.env.sample."""

import os
import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class Redis:
    host: str = os.environ.get("REDIS_HOST", "redis-eu.auction.example")
    port: int = 6380
    user: str = "auction"
    password: str = os.environ.get("REDIS_PASSWORD", "")

    def url(self, database: int) -> str:
        return f"rediss://{self.user}:{self.password}@{self.host}:{self.port}/{database}"


REDIS = Redis()
TLS = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/etc/ssl/certs/ca-certificates.crt"}
