"""For each setting a value that is not Celery's default, and what else has to be set for it to matter.

All are JSON, so that they can be handed to another process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import celery
from packaging.version import Version
from redis import CredentialProvider

INSTALLED = Version(celery.__version__)

#: engines given to :func:`remember_engine`
REMEMBERED: list[Any] = []


def remember_engine(engine: Any) -> None:
    """A ``database_engine_callback``."""
    REMEMBERED.append(engine)


class Credentials(CredentialProvider):
    """A ``redis_backend_credential_provider``."""

    def get_credentials(self) -> tuple[str, str]:
        return "somebody", "secret"


@dataclass(frozen=True)
class Sample:
    """``value`` is set, or not, beside ``given``."""

    value: Any
    given: Mapping[str, Any] = field(default_factory=dict)
    #: nothing is stored: it would go to a server that is not the test's
    is_offline: bool = False


_RETRYING = {"result_backend_always_retry": True, "result_backend_max_retries": 2}
_NO_HOST = {"result_backend": "redis:///0"}
_DATABASE = {"result_extended": True}  # before Celery 5.7 only args and kwargs are encoded

#: what holds for every engine that no row below is about
SAMPLES: Mapping[str, Sample] = {
    "result_accept_content": Sample(["upside-down"]),
    "result_backend_always_retry": Sample(True, {"result_backend_max_retries": 2}),
    "result_backend_base_sleep_between_retries_ms": Sample(5000, _RETRYING),
    "result_backend_max_retries": Sample(3, _RETRYING),
    "result_backend_max_sleep_between_retries_ms": Sample(1, _RETRYING),
    "result_backend_thread_safe": Sample(True),
    "result_backend_transport_options": Sample({"global_keyprefix": "shop"}),
    "result_cache_max": Sample(100),
    "result_chord_expires": Sample(4321),
    "result_chord_join_timeout": Sample(77.0),
    "result_chord_retry_interval": Sample(55.0),
    "result_compression": Sample("gzip"),
    "result_exchange": Sample("replies"),
    "result_exchange_type": Sample("topic"),
    "result_expires": Sample(60),
    "result_extended": Sample(True),
    "result_failure_expires": Sample(120),
    "result_persistent": Sample(True),
    "result_serializer": Sample("upside-down", {"result_accept_content": ["upside-down", "json"]}),
    "cache_backend": Sample("other"),
    "cache_backend_options": Sample({"connect_timeout": 9}),
    "database_create_tables_at_setup": Sample(False),
    "database_engine_callback": Sample("claims.engines.samples:remember_engine"),
    "database_engine_options": Sample({"pool_size": 3, "connect_args": {"isolation_level": None}}),
    "database_short_lived_sessions": Sample(True),
    "database_table_names": Sample({"task": "shop_results", "group": "shop_groups"}),
    "database_table_schemas": Sample({"task": "shop", "group": "shop"}),
    "database_url": Sample("sqlite://"),
    "mongodb_backend_settings": Sample({"taskmeta_collection": "shop_results"}),
    "redis_backend_credential_provider": Sample("claims.engines.samples:Credentials", is_offline=True),
    "redis_backend_health_check_interval": Sample(7),
    "redis_backend_use_ssl": Sample({"ssl_cert_reqs": "required"}, is_offline=True),
    "redis_client_name": Sample("shop"),
    "redis_db": Sample(3),
    "redis_host": Sample("cache.example.org", is_offline=True),
    "redis_max_connections": Sample(9),
    "redis_password": Sample("secret", is_offline=True),
    "redis_port": Sample(6390, is_offline=True),
    "redis_retry_on_timeout": Sample(True),
    "redis_socket_connect_timeout": Sample(4.5),
    "redis_socket_keepalive": Sample(True),
    "redis_socket_keepalive_options": Sample({"4": 60}),
    "redis_socket_timeout": Sample(5.5),
    "redis_username": Sample("shop", is_offline=True),
    "arangodb_backend_settings": Sample({"database": "shop"}),
    "azureblockblob_base_path": Sample("shop/"),
    "azureblockblob_connection_timeout": Sample(7),
    "azureblockblob_container_name": Sample("shop"),
    "azureblockblob_read_timeout": Sample(7),
    "cassandra_auth_kwargs": Sample({"username": "shop"}),
    "cassandra_auth_provider": Sample("PlainTextAuthProvider"),
    "cassandra_entry_ttl": Sample(7),
    "cassandra_keyspace": Sample("shop"),
    "cassandra_options": Sample({"protocol_version": 4}),
    "cassandra_port": Sample(9043),
    "cassandra_read_consistency": Sample("ONE"),
    "cassandra_secure_bundle_path": Sample("/bundle.zip"),
    "cassandra_servers": Sample(["localhost"]),
    "cassandra_table": Sample("shop"),
    "cassandra_write_consistency": Sample("ONE"),
    "cosmosdbsql_collection_name": Sample("shop"),
    "cosmosdbsql_consistency_level": Sample("Eventual"),
    "cosmosdbsql_database_name": Sample("shop"),
    "cosmosdbsql_max_retry_attempts": Sample(7),
    "cosmosdbsql_max_retry_wait_time": Sample(7),
    "couchbase_backend_settings": Sample({"bucket": "shop"}),
    "dynamodb_endpoint_url": Sample("http://localhost:8000"),
    "elasticsearch_max_retries": Sample(7),
    "elasticsearch_retry_on_timeout": Sample(True),
    "elasticsearch_save_meta_as_text": Sample(False),
    "elasticsearch_timeout": Sample(7),
    "firestore_project": Sample("shop"),
    "gcs_base_path": Sample("shop"),
    "gcs_bucket": Sample("shop"),
    "gcs_project": Sample("shop"),
    "gcs_threadpool_maxsize": Sample(7),
    "gcs_ttl": Sample(7),
    "s3_access_key_id": Sample("shop"),
    "s3_base_path": Sample("shop"),
    "s3_bucket": Sample("shop"),
    "s3_endpoint_url": Sample("http://localhost:9000"),
    "s3_region": Sample("eu-west-1"),
    "s3_secret_access_key": Sample("secret"),
}

#: engine → setting → what it takes for the setting to matter there
PARTICULAR: Mapping[str, Mapping[str, Sample]] = {
    "redis": {
        "redis_db": Sample(3, {"result_backend": "redis"}, is_offline=True),
        "redis_host": Sample("cache.example.org", _NO_HOST, is_offline=True),
        "redis_port": Sample(6390, {"result_backend": "redis://127.0.0.1/0"}, is_offline=True),
        "redis_backend_use_ssl": Sample(
            {"ssl_cert_reqs": "required", "ssl_ca_certs": "/ca.pem"},
            {"result_backend": "rediss://127.0.0.1/0?ssl_cert_reqs=required"},
            is_offline=True,
        ),
    },
    "sentinel": {
        "redis_host": Sample("cache.example.org", {"result_backend": "sentinel:///0"}, is_offline=True),
        "redis_port": Sample(26390, {"result_backend": "sentinel://127.0.0.1/0"}, is_offline=True),
    },
    "database": {
        "database_table_schemas": Sample({"task": "main", "group": "main"}),  # SQLite's name of the file itself
        "database_url": Sample("sqlite://", {"result_backend": "database"}),
        # Where it is on unless it is set, it is turned off.
        "result_backend_always_retry": Sample(Version("5.7") > INSTALLED, {"result_backend_max_retries": 2}),
        "result_accept_content": Sample(["upside-down"], _DATABASE),
        "result_serializer": Sample("upside-down", {**_DATABASE, "result_accept_content": ["upside-down", "json"]}),
    },
    "cache": {"cache_backend": Sample("memory://", {"result_backend": "cache"})},
}

#: the same for the keys of result_backend_transport_options
TRANSPORT_OPTIONS: Mapping[str, Sample] = {
    "additional_connection_errors": Sample(["builtins:LookupError"]),
    "global_keyprefix": Sample("shop"),
    "master_name": Sample("another", is_offline=True),
    "min_other_sentinels": Sample(7, is_offline=True),
    "result_chord_ordered": Sample(False),
    "retry_policy": Sample({"max_retries": 0, "interval_start": 9}),
    "sentinel_kwargs": Sample({"password": "secret"}, is_offline=True),
}

#: options that guides show, and that no backend reads there
FOLKLORE: Mapping[str, Any] = {
    "max_connections": 3,
    "socket_keepalive": True,
    "socket_timeout": 1,
    "ssl": {"ssl_cert_reqs": "required"},
    "ssl_cert_reqs": "required",
    "visibility_timeout": 5,
}


def sample_of(engine: str, setting: str) -> Sample:
    """Return what a setting is tried with on an engine."""
    return PARTICULAR.get(engine, {}).get(setting) or SAMPLES[setting]
