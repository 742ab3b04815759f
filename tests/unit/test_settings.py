"""Settings: Celery's configuration and the environment, read once."""

import dataclasses
import os
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from rootcellar.errors import ConfigurationError
from rootcellar.settings import OWN, DatabaseSettings, PoolSettings, RedisSettings, Settings
from rootcellar.stores import open_store


def read(conf: dict[str, Any], environ: dict[str, str] | None = None) -> Settings:
    """Read a configuration through a real Celery app."""
    app = Celery(set_as_current=False)
    app.conf.update(conf)
    return Settings.from_celery(app.conf, environ or {})


def from_django(**names: Any) -> Settings:
    """Read a Django settings module, whose names Celery finds under ``CELERY_``."""
    module = types.ModuleType("settings")
    vars(module).update(names)
    app = Celery(set_as_current=False)
    app.config_from_object(module, namespace="CELERY")
    return Settings.from_celery(app.conf, {})


def test_an_unconfigured_celery_gives_the_defaults() -> None:
    """Celery's, where Celery has one."""
    settings = read({})

    assert settings.codec.serializer == "json"
    assert settings.codec.compression is None
    assert {"application/json"} == settings.codec.accept
    assert 86_400.0 == settings.retention.expires_s == settings.retention.failure_expires_s
    assert (settings.look_interval_s, settings.store_timeout_s) == (1.0, 30.0)
    assert DatabaseSettings() == settings.database
    assert settings.redis.connection["socket_timeout"] == 120.0
    assert settings.redis.use_ssl is None


def reach(settings: Settings, path: str) -> Any:
    """Return ``settings.a.b["c"]`` for ``a.b.c``."""
    value: Any = settings
    for name in path.split("."):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


@pytest.mark.parametrize(
    ("name", "given", "path", "expected"),
    [
        ("result_expires", 60, "retention.expires_s", 60.0),
        ("result_expires", timedelta(days=30), "retention.expires_s", 2_592_000.0),
        ("result_expires", None, "retention.expires_s", None),
        ("result_expires", 0, "retention.expires_s", None),
        ("result_expires", 60, "retention.failure_expires_s", 60.0),
        ("result_failure_expires", 120, "retention.failure_expires_s", 120.0),
        ("result_failure_expires", timedelta(hours=1), "retention.failure_expires_s", 3600.0),
        ("result_failure_expires", 0, "retention.failure_expires_s", None),
        ("result_failure_expires", 120, "retention.expires_s", 86_400.0),
        ("result_compression", "gzip", "codec.compression", "gzip"),
        ("result_accept_content", ["json", "yaml"], "codec.accept", {"application/json", "application/x-yaml"}),
        ("accept_content", ["json", "yaml"], "codec.accept", {"application/json", "application/x-yaml"}),
        ("redis_host", "db", "redis.connection.host", "db"),
        ("redis_port", 6380, "redis.connection.port", 6380),
        ("redis_db", 3, "redis.connection.db", 3),
        ("redis_username", "u", "redis.connection.username", "u"),
        ("redis_password", "p", "redis.connection.password", "p"),
        ("redis_socket_timeout", 5.0, "redis.connection.socket_timeout", 5.0),
        ("redis_socket_connect_timeout", 2.0, "redis.connection.socket_connect_timeout", 2.0),
        ("redis_socket_keepalive", True, "redis.connection.socket_keepalive", True),
        (
            "redis_socket_keepalive_options",
            {"TCP_KEEPIDLE": 9},
            "redis.connection.socket_keepalive_options",
            {"TCP_KEEPIDLE": 9},
        ),
        ("redis_backend_health_check_interval", 25, "redis.connection.health_check_interval", 25),
        ("redis_backend_credential_provider", "a.B", "redis.connection.credential_provider", "a.B"),
        ("redis_client_name", "me", "redis.connection.client_name", "me"),
        ("redis_retry_on_timeout", True, "redis.retry_on_timeout", True),
        ("redis_max_connections", 7, "redis.pool.size", 7),
        ("redis_backend_use_ssl", {"ssl_ca_certs": "x"}, "redis.use_ssl", {"ssl_ca_certs": "x"}),
        ("result_backend_transport_options", {"global_keyprefix": "mine"}, "redis.key_prefix", "mine_"),
        ("result_backend_transport_options", {"global_keyprefix": "mine:"}, "redis.key_prefix", "mine:"),
        ("database_engine_options", {"pool_size": 9}, "database.pool.size", 9),
        ("database_engine_options", {"max_overflow": 1}, "database.pool.overflow", 1),
        ("database_engine_options", {"pool_timeout": 3}, "database.pool.timeout_s", 3.0),
        ("database_engine_options", {"pool_recycle": 60}, "database.pool.recycle_s", 60.0),
        ("database_engine_options", {"pool_recycle": -1}, "database.pool.recycle_s", None),
        ("database_engine_options", {"connect_args": {"a": 1}}, "database.connect_args", {"a": 1}),
        ("database_engine_options", {"pool_pre_ping": True}, "database.pool", PoolSettings()),
        ("database_create_tables_at_setup", False, "database.create_tables", False),
        ("database_table_schemas", {"task": "celery"}, "database.schema", "celery"),
        ("database_table_schemas", {"task": "celery"}, "database.group_schema", "celery"),
        ("database_table_schemas", {"group": "groups"}, "database.group_schema", "groups"),
        ("database_table_names", {"task": "t"}, "database.record_table", "t"),
        ("database_table_names", {"group": "g"}, "database.group_table", "g"),
        ("cellar_look_interval", 0.25, "look_interval_s", 0.25),
        ("cellar_max_payload_bytes", 1024, "codec.max_bytes", 1024),
        ("cellar_store_timeout", 5, "store_timeout_s", 5.0),
        ("cellar_store_timeout", 5, "redis.pool.timeout_s", 5.0),
        ("cellar_store_timeout", 5, "database.pool.timeout_s", 5.0),
        ("cellar_retry_timeout", 0.5, "spool.retry_s", 0.5),
        ("cellar_retry_timeout", 0, "spool.retry_s", 0.0),
        ("cellar_spool_dir", "/srv/spool", "spool.directory", Path("/srv/spool")),
        ("cellar_spool_max_bytes", 1024, "spool.max_bytes", 1024),
        ("cellar_spool_max_bytes", 0, "spool.max_bytes", 0),
        ("cellar_chord_deadline", timedelta(hours=1), "chords.deadline_s", 3600.0),
        ("cellar_chord_deadline", 0, "chords.deadline_s", None),
        ("cellar_chord_lease", 5, "chords.lease_s", 5.0),
        ("cellar_housekeeping_interval", 2, "housekeeping_interval_s", 2.0),
        ("cellar_track_sent", True, "is_sent_tracked", True),
    ],
)
def test_a_setting_arrives_where_it_works(name: str, given: Any, path: str, expected: Any) -> None:
    """Under Celery's own names, and ours."""
    assert expected == reach(read({name: given}), path)


def test_the_serializer_is_the_one_results_are_set_to() -> None:
    """``result_serializer``, which must also be one that may be read."""
    settings = read({"result_serializer": "yaml", "result_accept_content": ["yaml"]})

    assert settings.codec.serializer == "yaml"


def test_names_under_djangos_prefix_are_read() -> None:
    """Celery's and ours, as ``app.config_from_object("django.conf:settings", namespace="CELERY")`` finds them."""
    settings = from_django(
        CELERY_RESULT_EXPIRES=60, CELERY_CELLAR_LOOK_INTERVAL=0.5, CELERY_REDIS_MAX_CONNECTIONS=3, DEBUG=True
    )

    assert (settings.retention.expires_s, settings.look_interval_s, settings.redis.pool.size) == (60.0, 0.5, 3)


def test_an_unknown_name_under_djangos_prefix_is_refused() -> None:
    """As one without it is."""
    with pytest.raises(ConfigurationError) as caught:
        from_django(CELERY_CELLAR_LOOK_INTERVALL=1)

    assert "'CELERY_CELLAR_LOOK_INTERVALL' is no setting" in str(caught.value)
    assert "Did you mean 'cellar_look_interval'?" in str(caught.value)


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_misspelt_name_of_ours_is_refused_with_the_nearest(name: str) -> None:
    """A setting that is silently ignored is how results get lost."""
    with pytest.raises(ConfigurationError) as caught:
        read({name + "z": 1})

    assert f"Did you mean {name!r}?" in str(caught.value)
    assert all(known in str(caught.value) for known in OWN)


def test_names_that_are_not_ours_are_left_alone() -> None:
    """Other packages read the same configuration."""
    assert Settings() == dataclasses.replace(read({"beat_cellar": 1, "my_setting": 2}), redis=RedisSettings())


#: In the configuration, the same in the environment, and another there; other settings take any number.
NO_NUMBERS = {"cellar_spool_dir": ("/srv/a", "/srv/a", "/srv/b"), "cellar_track_sent": (True, "yes", "no")}


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_setting_of_ours_may_come_from_the_environment(name: str) -> None:
    """``CELLAR_…``; Celery's configuration wins."""
    given, the_same, other = NO_NUMBERS.get(name, (77, "77", "5"))
    from_environment = read({}, {name.upper(): the_same})

    assert from_environment == read({name: given})
    assert from_environment == read({name: given}, {name.upper(): other})
    assert from_environment != read({})


def test_the_spool_lies_where_the_users_state_does() -> None:
    """Else in a directory of the user's that a restart of the machine leaves alone."""
    assert read({}, {"XDG_STATE_HOME": "/home/u/state"}).spool.directory == Path("/home/u/state/rootcellar")
    assert read({}).spool.directory == Path(f"/var/tmp/rootcellar-{os.getuid()}")


#: Which of the values below a setting takes.
TAKES_ZERO = {"cellar_chord_deadline", "cellar_retry_timeout", "cellar_spool_max_bytes", "cellar_track_sent"}
CANNOT_BE = [
    (name, value)
    for name in sorted(OWN)
    for value in ("soon", 0, -1, float("nan"), float("inf"), [], {})
    if not (value == 0 and name in TAKES_ZERO) and not (value == "soon" and name == "cellar_spool_dir")
]


@pytest.mark.parametrize(("name", "value"), CANNOT_BE)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    """With the default, to have one that works."""
    with pytest.raises(ConfigurationError, match=f"^{name} is ") as caught:
        read({name: value})

    assert "the default is" in str(caught.value)


def test_a_bad_value_in_the_environment_is_blamed_on_the_environment() -> None:
    """Nobody should look for it in the configuration."""
    with pytest.raises(ConfigurationError, match=r"^the environment variable CELLAR_LOOK_INTERVAL is 'soon'"):
        read({}, {"CELLAR_LOOK_INTERVAL": "soon"})


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"result_expires": -1}, "result_expires"),
        ({"result_expires": "1 day"}, "result_expires"),
        ({"result_failure_expires": -1}, "result_failure_expires"),
        ({"result_serializer": "jsom"}, "Did you mean 'json'?"),
        ({"result_serializer": "yaml"}, "Add 'yaml' to result_accept_content"),
        ({"result_serializer": "pickle", "result_accept_content": ["pickle"]}, "result_serializer names pickle"),
        ({"result_accept_content": ["json", "pickle"]}, "result_accept_content names pickle"),
        ({"result_accept_content": ["json", "application/x-python-serialize"]}, "result_accept_content names pickle"),
        ({"result_accept_content": "json"}, "['json']"),
        ({"result_accept_content": ["jsom"]}, "result_accept_content"),
        ({"result_compression": "gzipp"}, "Did you mean 'gzip'?"),
        ({"redis_max_connections": "many"}, "redis_max_connections"),
        ({"redis_max_connections": 0}, "redis_max_connections"),
        ({"database_engine_options": {"pool_size": "many"}}, "['pool_size']"),
        ({"database_engine_options": {"pool_size": 0}}, "'pool_size'"),
        ({"database_engine_options": {"max_overflow": -1}}, "'max_overflow'"),
        ({"database_engine_options": {"pool_timout": 1}}, "Did you mean 'pool_timeout'?"),
        ({"database_engine_options": {"pool_timeout": "long"}}, "pool_timeout"),
        ({"database_engine_options": {"pool_recycle": "often"}}, "pool_recycle"),
        ({"database_engine_options": "x"}, "database_engine_options"),
        ({"database_table_schemas": "celery"}, "database_table_schemas"),
        ({"database_table_names": ["t"]}, "database_table_names"),
        ({"result_backend_transport_options": "x"}, "result_backend_transport_options"),
        ({"database_engine_callback": lambda engine: engine}, "database_engine_callback"),
    ],
)
def test_a_wrong_value_of_celerys_is_refused_when_the_settings_are_built(conf: dict[str, Any], said: str) -> None:
    """Not when the first result is stored."""
    with pytest.raises(ConfigurationError) as caught:
        read(conf)

    assert said in str(caught.value)


@pytest.mark.parametrize("option", ["echo", "poolclass", "pool_use_lifo", "pool_reset_on_return", "isolation_level"])
def test_an_engine_option_that_sqlalchemy_has_and_we_have_no_use_for_is_ignored(option: str) -> None:
    """Whoever comes from ``db+postgresql://`` brings it along; it is not a misspelling of another."""
    assert PoolSettings() == read({"database_engine_options": {option: 1}}).database.pool


def test_settings_are_frozen() -> None:
    """What was validated stays as it was."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        read({}).look_interval_s = 5.0  # type: ignore[misc]


def test_settings_in_a_log_show_no_password() -> None:
    """Neither Redis's nor one among a database's arguments."""
    settings = read(
        {
            "redis_password": "hunter2",
            "database_engine_options": {"connect_args": {"password": "hunter2"}},
            "redis_backend_use_ssl": {"ssl_password": "hunter2"},
        }
    )

    assert "hunter2" not in repr(settings)


def test_two_apps_with_tables_of_their_own_share_no_table() -> None:
    """Also not those whose names nobody sets."""
    default, other = DatabaseSettings(), read({"database_table_names": {"task": "t", "group": "g"}}).database

    def tables(settings: DatabaseSettings) -> set[str]:
        return {settings.record_table, settings.group_table, settings.waiter_table, settings.version_table}

    assert {"cellar_record", "cellar_group", "cellar_waiter", "cellar_schema"} == tables(default)
    assert len(tables(other)) == 4
    assert set() == tables(default) & tables(other)


@pytest.mark.parametrize(
    ("url", "config"),
    [
        ("redis://h/0?socket_timeout=30&max_connections=9", {"redis_socket_timeout": 60}),
        ("sqlite:///x.db", {"database_engine_options": {"connect_args": {"timeout": 60}}}),
        ("postgresql://h/x?connect_timeout=60", {}),
    ],
)
def test_somebody_in_a_hurry_is_not_held_up_by_other_settings(url: str, config: dict[str, Any]) -> None:
    """A worker's main process waits a second, whatever the URL says."""
    hurried = Settings.from_celery(config, {}).in_a_hurry(1.0)

    assert (hurried.most_s, hurried.redis.most_s, hurried.store_timeout_s) == (1.0, 1.0, 1.0)
    assert (hurried.redis.pool.size, hurried.database.pool.size) == (1, 1)
    open_store(url, hurried).close()
