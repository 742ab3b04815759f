"""Celery's settings, release by release."""

from datetime import timedelta

import pytest

from rootcellar.specialist.engines import RELEASES, celery_settings


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_has_its_settings(release: str):
    settings = celery_settings(release)
    assert settings["result_expires"].default == timedelta(days=1)
    assert settings["result_expires"].old == ("CELERY_TASK_RESULT_EXPIRES",)
    assert settings["accept_content"].default in (("json",), ["json"])
    assert settings["result_backend_max_retries"].default == float("inf")
    assert all(name == setting.name and name.islower() for name, setting in settings.items())


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("4.4.7", "5.2.7"),
        ("5.2.0", "5.2.7"),
        ("5.3.0", "5.3.6"),
        ("5.4.1", "5.4.0"),
        ("5.5", "5.5.3"),
        ("5.6.2", "5.6.0"),
        ("5.6.3", "5.6.3"),
        ("5.7.0rc1", "5.7.0"),
        ("5.8.0", "5.7.0"),
        ("6.0", "5.7.0"),
    ],
)
def test_another_version_has_those_of_the_nearest_release(version: str, release: str):
    assert celery_settings(version) == celery_settings(release)


def test_an_undeclared_setting_has_no_old_name():
    setting = celery_settings("5.7.0")["redis_client_name"]
    assert (setting.is_undeclared, setting.old, setting.type) == (True, (), "any")


def test_a_setting_that_will_go_says_what_to_use():
    setting = celery_settings("5.7.0")["task_acks_on_failure_or_timeout"]
    assert (setting.deprecated_by, setting.remove_by) == ("6.0", "7.0")
    assert "task_acks_on_failure" in setting.alt


def test_pre_ping_became_the_default_with_5_6_3():
    assert celery_settings("5.6.2")["database_engine_options"].default is None
    assert celery_settings("5.6.3")["database_engine_options"].default["pool_pre_ping"] is True
