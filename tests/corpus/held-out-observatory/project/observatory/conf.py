"""The engine that keeps results. MariaDB closes what has been idle for an hour."""

ENGINE = {
    "pool_pre_ping": True,
    "pool_recycle": 1800,
    "isolation_level": "READ COMMITTED",
}
