"""What the rules about names and about what wins say of Celery, made to happen on the installed one."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import ImproperlyConfigured

URL = "redis://module.example.org/0"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CELERY_RESULT_BACKEND", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


def configured(namespace: str | None = None, **settings: Any) -> Any:
    """Return an app that was given a configuration object."""
    app = Celery("claims", set_as_current=False)
    app.config_from_object(SimpleNamespace(**settings), namespace=namespace)
    return app


@pytest.mark.claims("RC205")
def test_an_old_name_among_new_ones_is_refused() -> None:
    app = configured(result_backend=URL, task_serializer="json", CELERY_RESULT_PERSISTENT=True)
    with pytest.raises(ImproperlyConfigured, match="CELERY_RESULT_PERSISTENT"):
        _ = app.conf.result_backend


@pytest.mark.claims("RC205")
def test_a_new_name_among_old_ones_is_refused() -> None:
    app = configured(CELERY_RESULT_BACKEND=URL, CELERY_TASK_SERIALIZER="json", result_expires=60)
    with pytest.raises(ImproperlyConfigured, match="result_expires"):
        _ = app.conf.result_backend


@pytest.mark.claims("RC205")
def test_of_as_many_old_as_new_names_the_old_one_is_refused() -> None:
    app = configured(CELERY_TASK_SERIALIZER="json", result_backend=URL)
    with pytest.raises(ImproperlyConfigured, match=r"CELERY_TASK_SERIALIZER +-> task_serializer"):
        _ = app.conf.result_backend


@pytest.mark.claims("RC205")
def test_a_setting_under_both_names_is_not_refused() -> None:
    assert configured(CELERY_RESULT_BACKEND="redis://old/0", result_backend=URL).conf.result_backend == URL


@pytest.mark.claims("RC205")
def test_what_is_set_on_the_app_is_compared_only_without_a_configuration_object() -> None:
    mixed = Celery("claims", set_as_current=False)
    mixed.conf.update(CELERY_RESULT_BACKEND=URL, result_expires=60)
    with pytest.raises(ImproperlyConfigured):
        _ = mixed.conf.result_expires
    app = configured(CELERY_RESULT_BACKEND=URL)
    app.conf.update(result_expires=60)
    assert (app.conf.result_backend, app.conf.result_expires) == (URL, 60)


@pytest.mark.claims("RC228")
def test_with_a_namespace_a_name_without_the_prefix_is_not_read() -> None:
    app = configured("CELERY", RESULT_BACKEND=URL, CELERY_RESULT_EXPIRES=60)
    assert (app.conf.result_backend, app.conf.result_expires) == (None, 60)


@pytest.mark.claims("RC228")
def test_with_a_namespace_a_new_lower_case_name_is_read_all_the_same() -> None:
    assert configured("CELERY", result_backend=URL).conf.result_backend == URL


@pytest.mark.claims("RC228")
def test_without_a_namespace_a_prefix_makes_it_another_name() -> None:
    assert configured(CELERY_RESULT_EXPIRES=60, result_backend=URL).conf.result_expires == timedelta(days=1)


@pytest.mark.claims("RC230")
def test_the_variable_beats_keyword_configuration_object_and_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://variable.example.org/0")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://variable.example.org/1")
    app = Celery("claims", backend="redis://keyword/0", broker="memory://", set_as_current=False)
    app.config_from_object(SimpleNamespace(result_backend=URL, broker_url="memory://"))
    app.conf.update(result_backend="redis://update/0", broker_url="memory://")
    assert app.conf.result_backend == "redis://variable.example.org/0"
    assert app.conf.broker_url == "redis://variable.example.org/1"
    assert app.backend.connparams["host"] == "variable.example.org"


@pytest.mark.claims("RC231")
def test_what_is_set_on_the_app_beats_the_configuration_object_in_whatever_order() -> None:
    app = configured(result_backend=URL)
    app.conf.update(result_backend="redis://update/0")
    assert app.conf.result_backend == "redis://update/0"
    app = Celery("claims", set_as_current=False)
    app.conf.result_backend = "redis://attribute/0"
    app.config_from_object(SimpleNamespace(result_backend=URL))
    assert app.conf.result_backend == "redis://attribute/0"


@pytest.mark.claims("RC231")
def test_a_keyword_beats_the_configuration_object_and_an_update_the_keyword() -> None:
    app = Celery("claims", backend="redis://keyword/0", set_as_current=False)
    app.config_from_object(SimpleNamespace(result_backend=URL))
    assert app.conf.result_backend == "redis://keyword/0"
    app.conf.update(result_backend="redis://update/0")
    assert app.conf.result_backend == "redis://update/0"
