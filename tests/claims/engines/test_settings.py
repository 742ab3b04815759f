"""The table says which settings an engine honours under which Celery: the installed one does, and no others."""

from collections.abc import Callable
from pathlib import Path

import celery
import pytest

from claims.engines.observing import Observation
from claims.engines.samples import FOLKLORE, INSTALLED, SAMPLES, TRANSPORT_OPTIONS, Sample, sample_of
from claims.engines.tried import NOT_TRIED, TRIED, each, of
from rootcellar.settings import OWN, Settings
from rootcellar.specialist.engines import ENGINES, RESULT_SETTINGS, holds, honours

Observe = Callable[..., Observation]

_OPTIONS = "result_backend_transport_options"
#: what is neither honoured nor ignored
_CRASHES = {("sentinel", "redis_backend_credential_provider")}

_HONOURED = [
    of(engine, setting)
    for engine in TRIED
    for setting in sorted(ENGINES[engine].settings)
    if honours(ENGINES[engine], setting, INSTALLED)
]
_HONOURED_OPTIONS = [
    of(engine, option)
    for engine in TRIED
    for option, versions in sorted(ENGINES[engine].transport_options.items())
    if holds(versions, INSTALLED)
]


@pytest.mark.parametrize(("engine", "setting"), _HONOURED)
def test_a_setting_that_is_honoured_makes_a_difference(engine: str, setting: str, seen: Observe):
    sample = sample_of(engine, setting)
    without = seen(engine, dict(sample.given), is_offline=sample.is_offline)
    assert seen(engine, {**sample.given, setting: sample.value}, is_offline=sample.is_offline) != without


@pytest.mark.parametrize(
    ("engine", "setting"),
    [
        of("database on PostgreSQL", "database_table_schemas"),
        of("database on MariaDB", "database_table_names"),
        of("database on MariaDB", "result_expires"),
    ],
)
def test_what_is_honoured_is_on_every_database(engine: str, setting: str, seen: Observe):
    assert seen(engine, {setting: SAMPLES[setting].value}) != seen(engine, {})


@pytest.mark.parametrize("engine", each())
def test_an_observation_says_the_same_each_time(engine: str, seen: Observe):
    assert _differences(seen(engine, {"claims_setting_of_nobody": 1}), seen(engine, {})) == {}


@pytest.mark.parametrize("engine", each())
def test_settings_that_are_not_honoured_make_none(engine: str, seen: Observe):
    ignored = {
        setting: sample
        for setting, sample in SAMPLES.items()
        if not honours(ENGINES[engine], setting, INSTALLED) and (engine, setting) not in _CRASHES
    }
    without = seen(engine, {})
    if seen(engine, {setting: sample.value for setting, sample in ignored.items()}) != without:
        heeded = {name: _differences(seen(engine, {name: one.value}), without) for name, one in ignored.items()}
        assert {name: differences for name, differences in heeded.items() if differences} == {}
        pytest.fail("together they make a difference, and alone none does")


@pytest.mark.parametrize(("engine", "option"), _HONOURED_OPTIONS)
def test_a_transport_option_that_is_honoured_makes_a_difference(engine: str, option: str, seen: Observe):
    sample = TRANSPORT_OPTIONS[option]
    without = seen(engine, {}, is_offline=sample.is_offline)
    assert seen(engine, {_OPTIONS: {option: sample.value}}, is_offline=sample.is_offline) != without


@pytest.mark.parametrize("engine", each())
def test_transport_options_that_are_not_honoured_make_none(engine: str, seen: Observe):
    honoured = ENGINES[engine].transport_options
    samples = {name: Sample(value) for name, value in FOLKLORE.items()} | dict(TRANSPORT_OPTIONS)
    ignored = {name: one.value for name, one in samples.items() if not holds(honoured.get(name, ""), INSTALLED)}
    assert _differences(seen(engine, {_OPTIONS: ignored}), seen(engine, {})) == {}


def _differences(one: Observation, other: Observation) -> dict[str, object]:
    return {name: (one.get(name), other.get(name)) for name in {*one, *other} if one.get(name) != other.get(name)}


def test_every_engine_is_tried_or_it_is_said_why_not():
    assert {*TRIED, *NOT_TRIED} == set(ENGINES)
    assert not {*TRIED} & {*NOT_TRIED}


def test_every_setting_and_option_has_a_sample():
    assert set(SAMPLES) == RESULT_SETTINGS - set(OWN)
    assert set(TRANSPORT_OPTIONS) == {option for engine in ENGINES.values() for option in engine.transport_options}


def test_celerys_source_names_the_settings_of_the_engines_that_cannot_be_started():
    package = Path(celery.__file__).parent
    files = [*package.glob("backends/*.py"), package / "app/base.py", package / "app/builtins.py"]
    text = "\n".join(path.read_text("utf-8") for path in files)
    # find_value_for_key("extended", "result"), in base.py, is result_extended.
    named = {setting for setting in ENGINES["other"].settings if setting in text} | {"result_extended"}
    assert named == {setting for setting in ENGINES["other"].settings if honours(ENGINES["other"], setting, INSTALLED)}


#: Celery's settings that rootcellar leaves to Celery's base class
_OF_THE_BASE_CLASS = {
    "result_backend_always_retry",
    "result_backend_base_sleep_between_retries_ms",
    "result_backend_max_retries",
    "result_backend_max_sleep_between_retries_ms",
    "result_cache_max",
    "result_extended",
}
_CELLAR_SAMPLES = {
    "result_serializer": "yaml",
    "result_accept_content": ["yaml", "json"],
    "redis_backend_credential_provider": "given",
}


@pytest.mark.parametrize(
    ("engine", "setting"),
    [
        of(name, setting)
        for name in ("cellar-redis", "cellar-postgresql", "cellar-sqlite")
        for setting in sorted(set(ENGINES[name].settings) - set(OWN) - _OF_THE_BASE_CLASS)
    ],
)
def test_rootcellar_reads_a_setting_that_it_honours(engine: str, setting: str):
    value = _CELLAR_SAMPLES.get(setting, SAMPLES[setting].value)
    accept = {"result_accept_content": ["json", "yaml"]} if setting == "result_serializer" else {}
    assert _settings(accept | {setting: value}) != _settings(accept)


def _settings(conf: dict[str, object]) -> list[object]:
    settings = Settings.from_celery(conf, {})
    # repr() leaves out what may be secret.
    return [repr(settings), settings.redis.connection, settings.redis.use_ssl, settings.database.connect_args]
