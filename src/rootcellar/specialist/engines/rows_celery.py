"""Rows: Celery's other backends."""

from rootcellar.specialist.engines.engine import Abilities, Driver, Engine
from rootcellar.specialist.engines.honoured import (
    ALWAYS,
    EVERY,
    KEY_PREFIX,
    SERIALIZED,
    TRANSPORT_OPTIONS,
    UNLOCKED_CHORDS,
    always,
)

_SOURCE = "https://github.com/celery/celery/blob/v5.7.0/celery/backends/"
_DOCUMENTATION = "https://docs.celeryq.dev/en/stable/userguide/configuration.html"

MONGODB = Engine(
    name="mongodb",
    label="MongoDB",
    owner="celery",
    schemes=("mongodb", "mongodb+"),
    examples=("mongodb://localhost:27017/results", "mongodb+srv://user:password@cluster.example.org/results"),
    classes=("celery.backends.mongodb.MongoBackend",),
    abilities=Abilities(
        waiting="polled",
        chords="polled",
        expiry="cleanup",
        durable="yes",
        compresses=">=5.7",
        success_is_final=">=5.7",
    ),
    settings={
        **EVERY,
        **SERIALIZED,
        **UNLOCKED_CHORDS,
        **always("mongodb_backend_settings"),
        "result_expires": ">=5.3",
        "result_extended": ">=5.3",
        "result_compression": ">=5.7",
    },
    drivers=(Driver(("pymongo",), "mongodb", 'pip install "celery[mongodb]"'),),
    server="mongodb",
    sources=(_SOURCE + "mongodb.py", _DOCUMENTATION + "#mongodb-backend-settings"),
    notes={
        "result_expires": "5.2 stores the time as a text, so that its cleanup finds nothing.",
        "result_extended": "5.2 stores name, arguments and so on, and does not return them.",
        "result_backend_always_retry": "Ignored: the backend names no error that is worth another try.",
    },
)

RPC = Engine(
    name="rpc",
    label="RPC (replies through the broker)",
    owner="celery",
    schemes=("rpc",),
    examples=("rpc://",),
    classes=("celery.backends.rpc.RPCBackend",),
    abilities=Abilities(
        waiting="notified",
        chords="none",
        is_shared=False,
        is_reread=False,
        expiry="server",
        durable="no",
    ),
    settings={
        **EVERY,
        **SERIALIZED,
        **always("result_expires", "result_persistent"),
        "result_extended": ">=5.7",
    },
    server="rabbitmq",
    sources=(_SOURCE + "rpc.py", _DOCUMENTATION + "#rpc-backend-settings"),
    notes={
        "result_expires": "When the reply queue ends that nobody reads, with all that is in it.",
        "result_exchange": "Ignored: replies go through the default exchange to the queue of the sender.",
        "result_exchange_type": "Ignored: replies go through the default exchange to the queue of the sender.",
        "result_persistent": "The messages are; the queue that they wait in is durable since 5.7, and deleted with "
        "the sender's connection.",
        "is_reread": "The sender's process takes the message off its queue, and remembers it as result_cache_max says.",
        "success_is_final": "Each run of a task sends a reply of its own.",
    },
)

FILESYSTEM = Engine(
    name="filesystem",
    label="Files in a directory",
    owner="celery",
    schemes=("file",),
    examples=("file:///var/lib/celery/results",),
    classes=("celery.backends.filesystem.FilesystemBackend",),
    abilities=Abilities(
        waiting="polled",
        chords="polled",
        expiry="cleanup",
        durable="yes",
        compresses=">=5.7",
        success_is_final=ALWAYS,
    ),
    settings={
        **EVERY,
        **SERIALIZED,
        **UNLOCKED_CHORDS,
        **TRANSPORT_OPTIONS,
        **always("result_expires", "result_extended"),
        "result_compression": ">=5.7",
    },
    transport_options=KEY_PREFIX,
    sources=(_SOURCE + "filesystem.py", _DOCUMENTATION + "#file-system-backend-settings"),
    notes={
        "is_shared": "By processes that see the directory.",
        "success_is_final": "The store asks first and writes then: two runs that end at the same time may both write.",
    },
)

CACHE = Engine(
    name="cache",
    label="Cache (Memcached, or the process's memory)",
    owner="celery",
    schemes=("cache", "cache+"),
    examples=("cache+memcached://127.0.0.1:11211/", "cache+memory://"),
    classes=("celery.backends.cache.CacheBackend",),
    abilities=Abilities(
        waiting="polled",
        chords="native",
        expiry="server",
        durable="no",
        success_is_final=ALWAYS,
    ),
    settings={
        **EVERY,
        **SERIALIZED,
        **TRANSPORT_OPTIONS,
        **always(
            "result_expires", "result_extended", "result_chord_join_timeout", "cache_backend", "cache_backend_options"
        ),
        "result_chord_expires": ">=5.7",
    },
    transport_options=KEY_PREFIX,
    drivers=(
        # pylibmc and python-memcached before 5.7, pymemcache since; one extra brings the right one.
        Driver(
            ("pylibmc", "python-memcached", "pymemcache"),
            "memcache",
            'pip install "celery[memcache]"',
            tuple(f"cache+{name}://" for name in ("memcached", "memcache", "pylibmc", "pymemcache")),
        ),
    ),
    server="memcached",
    sources=(_SOURCE + "cache.py", _DOCUMENTATION + "#cache-backend-settings"),
    notes={
        "cache_backend": "Only with the bare name cache: a URL in result_backend counts first.",
        "cache_backend_options": "Memcached's client takes them; memory:// takes any and heeds none.",
        "result_expires": "Not with memory://.",
        "result_chord_expires": "Not with memory://.",
        "is_shared": "Not with memory://, which is the memory of one process.",
        "success_is_final": "The store asks first and writes then: two runs that end at the same time may both write.",
    },
)

DISABLED = Engine(
    name="disabled",
    label="None",
    owner="celery",
    schemes=("disabled",),
    examples=("", "disabled://"),
    classes=("celery.backends.base.DisabledBackend",),
    abilities=Abilities(
        waiting="", chords="none", is_shared=False, is_reread=False, expiry="nobody", durable="no", serializes=False
    ),
    settings={"result_backend_thread_safe": ">=5.3"},
    sources=(_SOURCE + "base.py",),
    notes={"waiting": "Nothing is stored, and asking for a result is an error."},
)

_OTHER = (
    "arangodb",
    "azureblockblob",
    "cassandra",
    "consul",
    "cosmosdbsql",
    "couchbase",
    "couchdb",
    "dynamodb",
    "elasticsearch",
    "gs",
    "s3",
)


def _driver(extra: str, *packages: str, scheme: str = "") -> Driver:
    name = scheme or extra
    return Driver(packages, extra, f'pip install "celery[{extra}]"', (f"{name}://", f"{name}+"))


OTHER = Engine(
    name="other",
    label="Celery's other backends",
    owner="celery",
    schemes=_OTHER + tuple(f"{name}+" for name in _OTHER),
    examples=tuple(f"{name}://" for name in _OTHER),
    classes=(
        "celery.backends.arangodb.ArangoDbBackend",
        "celery.backends.azureblockblob.AzureBlockBlobBackend",
        "celery.backends.cassandra.CassandraBackend",
        "celery.backends.consul.ConsulBackend",
        "celery.backends.cosmosdbsql.CosmosDBSQLBackend",
        "celery.backends.couchbase.CouchbaseBackend",
        "celery.backends.couchdb.CouchBackend",
        "celery.backends.dynamodb.DynamoDBBackend",
        "celery.backends.elasticsearch.ElasticsearchBackend",
        "celery.backends.gcs.GCSBackend",
        "celery.backends.s3.S3Backend",
    ),
    abilities=Abilities(waiting="polled", chords="", expiry="", durable="yes"),
    settings={
        **EVERY,
        **SERIALIZED,
        **UNLOCKED_CHORDS,
        **TRANSPORT_OPTIONS,
        **always(
            "result_backend_always_retry",
            "result_backend_max_retries",
            "result_backend_base_sleep_between_retries_ms",
            "result_backend_max_sleep_between_retries_ms",
            "result_expires",
            "result_extended",
            "arangodb_backend_settings",
            "azureblockblob_base_path",
            "azureblockblob_connection_timeout",
            "azureblockblob_container_name",
            "azureblockblob_read_timeout",
            "cassandra_auth_kwargs",
            "cassandra_auth_provider",
            "cassandra_entry_ttl",
            "cassandra_keyspace",
            "cassandra_options",
            "cassandra_port",
            "cassandra_read_consistency",
            "cassandra_servers",
            "cassandra_table",
            "cassandra_write_consistency",
            "cosmosdbsql_collection_name",
            "cosmosdbsql_consistency_level",
            "cosmosdbsql_database_name",
            "cosmosdbsql_max_retry_attempts",
            "cosmosdbsql_max_retry_wait_time",
            "couchbase_backend_settings",
            "dynamodb_endpoint_url",
            "elasticsearch_max_retries",
            "elasticsearch_retry_on_timeout",
            "elasticsearch_save_meta_as_text",
            "elasticsearch_timeout",
            "s3_access_key_id",
            "s3_base_path",
            "s3_bucket",
            "s3_endpoint_url",
            "s3_region",
            "s3_secret_access_key",
        ),
        "cassandra_secure_bundle_path": ">=5.3",
        **dict.fromkeys(("gcs_base_path", "gcs_bucket", "gcs_project", "gcs_threadpool_maxsize", "gcs_ttl"), ">=5.4"),
        "firestore_project": ">=5.5",
        "result_chord_expires": ">=5.7",
        "result_compression": ">=5.7",
    },
    transport_options=KEY_PREFIX,
    drivers=(
        _driver("arangodb", "pyarango"),
        _driver("azureblockblob", "azure-storage-blob"),
        _driver("cassandra", "cassandra-driver"),
        _driver("consul", "python-consul2"),
        _driver("cosmosdbsql", "pydocumentdb"),
        _driver("couchbase", "couchbase"),
        _driver("couchdb", "pycouchdb"),
        _driver("dynamodb", "boto3"),
        _driver("elasticsearch", "elasticsearch"),
        _driver("gcs", "google-cloud-storage", scheme="gs"),
        _driver("s3", "boto3"),
    ),
    sources=(_SOURCE, _DOCUMENTATION),
    notes={"chords": "Native on DynamoDB and Google Cloud Storage; on the others chord_unlock polls."},
)

UNKNOWN = Engine(
    name="unknown",
    label="Unknown",
    owner="",
    schemes=(),
    examples=(),
    abilities=Abilities(waiting="", chords="", expiry="", durable=""),
)
