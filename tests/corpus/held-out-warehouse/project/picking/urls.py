import os

from picking.constants import REDIS_PORT


def redis_url(database: int) -> str:
    """Where Redis is. Only the sites' own machines are without REDIS_HOST."""
    host = os.environ.get("REDIS_HOST", "localhost")
    return f"redis://{host}:{REDIS_PORT}/{database}"
