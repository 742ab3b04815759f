"""Folklore: names of settings that guides and answers hand on, and that no Celery has ever had."""

from collections.abc import Mapping

_POOL = "Redis: redis_max_connections. A database: pool_size inside database_engine_options."
_EXPIRES = "result_expires, in seconds or as a timedelta."
_SSL = "redis_backend_use_ssl, a dictionary with ssl_cert_reqs, ssl_ca_certs …, or the options of a rediss:// URL."
_RETRY = "result_backend_always_retry and result_backend_max_retries."

#: name → what there is instead
FOLKLORE: Mapping[str, str] = {
    "database_max_overflow": "max_overflow inside database_engine_options.",
    "database_pool_recycle": "pool_recycle inside database_engine_options.",
    "database_pool_size": "pool_size inside database_engine_options.",
    "mongodb_backend": "mongodb_backend_settings, or a mongodb:// URL as result_backend.",
    "redis_backend_db": "The URL's path, or redis_db.",
    "redis_backend_host": "The URL's host, or redis_host.",
    "redis_backend_max_connections": "redis_max_connections.",
    "redis_backend_password": "The password in the URL of result_backend, from the environment, or redis_password.",
    "redis_backend_port": "The URL's port, or redis_port.",
    "redis_backend_retry_on_timeout": "redis_retry_on_timeout.",
    "redis_backend_settings": "The URL's options, redis_… and result_backend_transport_options.",
    "redis_backend_socket_timeout": "redis_socket_timeout.",
    "redis_backend_transport_options": "result_backend_transport_options.",
    "redis_backend_url": "result_backend.",
    "redis_backend_username": "The user in the URL of result_backend, or redis_username.",
    "redis_connection_pool_size": _POOL,
    "redis_pool_size": _POOL,
    "redis_socket_keepalive_options": "redis_socket_keepalive = True; its intervals are those of the system.",
    "redis_ssl": _SSL,
    "redis_use_ssl": _SSL,
    "result_backend_compression": "result_compression, from Celery 5.7 on.",
    "result_backend_expires": _EXPIRES,
    "result_backend_max_connections": _POOL,
    "result_backend_password": "The password in the URL of result_backend, from the environment.",
    "result_backend_pool_size": _POOL,
    "result_backend_retry": _RETRY,
    "result_backend_retry_policy": "retry_policy inside result_backend_transport_options (Redis).",
    "result_backend_ttl": _EXPIRES,
    "result_backend_url": "result_backend.",
    "result_backend_use_ssl": _SSL,
    "result_compression_level": "Nothing: result_compression takes a method's name, and each method's usual level.",
    "result_compression_threshold": "Nothing: with result_compression every result is compressed.",
    "result_max_retries": _RETRY,
    "result_persistent_queue": "result_persistent (RPC).",
    "result_timeout": "The timeout of each get().",
    "result_ttl": _EXPIRES,
    "task_result_ttl": _EXPIRES,
}
