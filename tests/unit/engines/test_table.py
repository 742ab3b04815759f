"""The engine table as such; that it is true is shown in tests/claims/engines."""

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from rootcellar.specialist.engines import (
    ENGINES,
    RELEASES,
    RESULT_SETTINGS,
    celery_settings,
    drivers_of,
    engine_of,
    honours,
)
from rootcellar.specialist.engines.table import RESULT_SETTINGS as ALL_OF_THEM

_AZURE = ("increment_base", "initial_backoff_sec", "max_attempts")
_CELERYS = [engine for engine in ENGINES.values() if engine.owner in ("celery", "django-celery-results")]


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("redis://localhost:6379/0", "redis"),
        ("rediss://:{PASSWORD}@{HOST}:6380/0?ssl_cert_reqs=required", "redis"),
        ("redis+socket:///run/redis.sock", "redis"),
        ("redis", "redis"),
        ("sentinel://one:26379;sentinel://two:26379", "sentinel"),
        ("redis-cluster://one:6379", "redis-cluster"),
        ("redis+cluster://one:6379", "redis-cluster"),
        ("db+postgresql+psycopg://u:p@h/x", "database"),
        ("db+{DRIVER}://h/x", "database"),
        ("database+sqlite:///x.db", "database"),
        ("database", "database"),
        ("db", "database"),
        ("django-db", "django-db"),
        ("django-cache", "django-cache"),
        ("mongodb://h/x", "mongodb"),
        ("mongodb+srv://u:p@h/x", "mongodb"),
        ("rpc", "rpc"),
        ("rpc://", "rpc"),
        ("file:///var/lib/results", "filesystem"),
        ("cache", "cache"),
        ("cache+memcached://h:11211/", "cache"),
        ("cache+memory://", "cache"),
        ("disabled", "disabled"),
        ("disabled://", "disabled"),
        ("", "disabled"),
        ("elasticsearch://h:9200/i/d", "other"),
        ("elasticsearch+https://h:9200/i/d", "other"),
        ("s3", "other"),
        ("cellar+redis://h/0", "cellar-redis"),
        ("cellar+rediss://h/0", "cellar-redis"),
        ("cellar+redis+socket:///run/redis.sock", "cellar-redis"),
        ("cellar+Postgres://h/x", "cellar-postgresql"),
        ("cellar+sqlite:///x.db", "cellar-sqlite"),
        ("celery.backends.redis:SentinelBackend", "sentinel"),
        ("django_celery_results.backends.DatabaseBackend", "django-db"),
        (None, "unknown"),
        ("{REDIS_URL}", "unknown"),
        ("{SCHEME}://h/0", "unknown"),
        ("{SCHEME}+psycopg://h/0", "unknown"),
        ("cellar+{STORE}://h/0", "unknown"),
        ("cellar+mongodb://h/0", "unknown"),
        ("cellar+", "unknown"),
        ("cellar", "unknown"),
        ("proj.backends:MyBackend", "unknown"),
        ("proj.backends.MyBackend", "unknown"),
        ("postgresql://h/x", "unknown"),
        ("REDIS://h/0", "unknown"),
        ("amqp", "unknown"),
        ("amqp://h", "unknown"),
        ("://h", "unknown"),
        ("db+", "unknown"),
    ],
)
def test_an_engine_is_told_by_the_url(url: str | None, engine: str):
    assert engine_of(url).name == engine


def test_an_example_of_each_engine_is_of_that_engine():
    told = {(engine.name, engine_of(example).name) for engine in ENGINES.values() for example in engine.examples}
    assert {(one, other) for one, other in told if one != other} == set()


def test_no_scheme_and_no_class_is_of_two_engines():
    names = [name for engine in ENGINES.values() for name in (*engine.schemes, *engine.classes)]
    assert len(names) == len(set(names))


def test_the_names_stand_for_their_rows():
    assert all(name == engine.name for name, engine in ENGINES.items())


def test_every_version_is_a_specifier():
    for engine in ENGINES.values():
        abilities = engine.abilities
        for versions in (
            *engine.settings.values(),
            *engine.transport_options.values(),
            *filter(None, (abilities.compresses, abilities.pickles, abilities.success_is_final, abilities.retries)),
        ):
            assert str(SpecifierSet(versions))


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_has_the_settings_that_its_engines_honour(release: str):
    version, known = Version(release), celery_settings(release)
    honoured = {name for engine in _CELERYS for name in engine.settings if honours(engine, name, version)}
    assert honoured - set(known) == set()


def test_every_setting_of_celery_that_names_results_or_a_store_is_in_the_table():
    beginnings = tuple({name.partition("_")[0] + "_" for name in RESULT_SETTINGS if not name.startswith("cellar")})
    known = {name for release in RELEASES for name in celery_settings(release) if name.startswith(beginnings)}
    # The URL itself; and what Celery declares and does not read (cassandra_secure_bundle_path is what it reads).
    unread = {"cassandra_bundle_path", *(f"azureblockblob_retry_{name}" for name in _AZURE)}
    assert known - RESULT_SETTINGS == {"result_backend", *unread}
    assert RESULT_SETTINGS is ALL_OF_THEM


@pytest.mark.parametrize(
    ("engine", "setting", "version", "expected"),
    [
        ("redis", "redis_client_name", "5.5.3", False),
        ("redis", "redis_client_name", "5.6.0", True),
        ("redis", "result_compression", "5.7.0rc1", True),
        ("redis", "database_url", "5.7.0", False),
        ("redis", "result_exchange", "5.7.0", False),
        ("rpc", "result_exchange", "5.7.0", False),
        ("database", "result_backend_always_retry", "5.6.2", False),
        ("database", "result_backend_always_retry", "5.6.3", True),
        ("mongodb", "result_backend_always_retry", "5.7.0", False),
        ("unknown", "whatever_it_reads", "5.7.0", True),
    ],
)
def test_a_setting_is_honoured_by_the_versions_named(engine: str, setting: str, version: str, *, expected: bool):
    assert honours(ENGINES[engine], setting, Version(version)) is expected


def test_a_note_is_about_a_setting_an_option_or_an_ability():
    for engine in ENGINES.values():
        about = {*RESULT_SETTINGS, *engine.transport_options, *engine.abilities.__dataclass_fields__}
        assert set(engine.notes) - about == set()


def test_a_url_needs_one_package_of_each_of_its_drivers():
    packages = [one.packages for one in drivers_of(ENGINES["database"], "db+mysql+pymysql://h/x")]
    assert packages == [("sqlalchemy",), ("pymysql",)]
    assert drivers_of(ENGINES["cache"], "cache+memory://") == ()
    assert [one.extra for one in drivers_of(ENGINES["other"], "gs://bucket")] == ["gcs"]
