"""Probing: asks the servers that a project's settings name about themselves. Reads only: nothing is made or changed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rootcellar.specialist.advice import advice_on
from rootcellar.specialist.probing.amqp import ask_amqp
from rootcellar.specialist.probing.database import ask_database
from rootcellar.specialist.probing.mongodb import ask_mongodb
from rootcellar.specialist.probing.redis import ask_redis
from rootcellar.specialist.profile import App
from rootcellar.specialist.profile.address import address_of
from rootcellar.specialist.rules.project import Probe, Project
from rootcellar.specialist.runner import Hung, Runner
from rootcellar.specialist.secrets import blot_out, in_settings


@dataclass(frozen=True, slots=True)
class Question:
    """Whom to ask: a URL with its password, the Celery settings that go with it, and how long it may take."""

    url: str = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    timeout_s: float
    #: whether it is the broker that is asked
    is_broker: bool = False


#: beginning of a scheme → kind of server, how to ask it; the first that fits
_ASKERS: tuple[tuple[str, str, Callable[[Question], dict[str, Any]]], ...] = (
    ("redis", "redis", ask_redis),
    ("socket", "redis", ask_redis),
    ("sentinel", "redis", ask_redis),
    ("db+postgres", "postgresql", ask_database),
    ("postgres", "postgresql", ask_database),
    ("db+mysql", "mysql", ask_database),
    ("db+mariadb", "mysql", ask_database),
    ("db+sqlite", "sqlite", ask_database),
    ("sqlite", "sqlite", ask_database),
    ("mongodb", "mongodb", ask_mongodb),
    ("amqp", "rabbitmq", ask_amqp),
    ("pyamqp", "rabbitmq", ask_amqp),
)


def probes_of(project: Project, *, timeout_s: float = 5.0) -> Iterator[Probe]:
    """Ask each server that an app's ``result_backend`` and ``broker_url`` name. Nothing is raised: see ``error``.

    ``timeout_s`` is for each server. A setting whose value is not known from the files is asked only where the live
    app is known (``project.live``).
    """
    asked: dict[tuple[str, str], tuple[str, Mapping[str, Any], str]] = {}
    for app in project.profile.apps:
        settings = known_settings(app, project.live.get(app.target, {}))
        for setting in ("result_backend", "broker_url"):
            url = settings.get(setting)
            url = url[0] if isinstance(url, (list, tuple)) and url else url
            if not isinstance(url, str) or "{" in url:
                continue
            if url.startswith("rpc"):
                url = str(settings.get("broker_url") or "")
            if (url, setting) not in asked:
                asked[url, setting] = probe_url(url, settings, timeout_s, is_broker=setting == "broker_url")
            kind, facts, error = asked[url, setting]
            if kind:
                yield Probe(setting, app.target, kind, facts, error)


def probe_url(
    url: str, settings: Mapping[str, Any], timeout_s: float, *, is_broker: bool = False
) -> tuple[str, Mapping[str, Any], str]:
    """Ask one server: return its kind, its facts and what went wrong. An empty kind: nobody knows how to ask it."""
    asker = _asker(url)
    if asker is None:
        return "", {}, ""
    kind, ask = asker
    return (kind, *_answer(ask, Question(url, settings, timeout_s, is_broker)))


def kind_of(url: str) -> str:
    """Return the kind of server behind a URL, as :class:`.Probe` calls it; empty: none that can be asked."""
    asker = _asker(url)
    return asker[0] if asker is not None else ""


def _asker(url: str) -> tuple[str, Callable[[Question], dict[str, Any]]] | None:
    scheme = address_of(url).scheme.removeprefix("cellar+")
    return next(((kind, ask) for beginning, kind, ask in _ASKERS if scheme.startswith(beginning)), None)


def _answer(ask: Callable[[Question], dict[str, Any]], question: Question) -> tuple[Mapping[str, Any], str]:
    secrets = [question.url, *in_settings(question.settings)]
    runner = Runner()
    try:
        # A driver keeps to its time-out, once it has been imported.
        return runner.call(lambda: ask(question), question.timeout_s * 2 + 3), ""
    except Hung as exc:
        return {}, f"{exc}."
    except Exception as exc:
        said = blot_out(" ".join(str(exc).split()), secrets)
        advice = advice_on(exc)
        if question.is_broker:
            advice = advice.replace("result_backend", "broker_url")
        return {}, f"{type(exc).__name__}: {said} {advice}".strip()
    finally:
        runner.close()


def known_settings(app: App, live: Mapping[str, Any]) -> dict[str, Any]:
    """Return an app's settings as far as its files say them, with the ``live`` ones over them, by lower-case name."""
    read = {one.name: one.value.data for one in app.settings if one.value.is_known}
    return {**read, **{name: value for name, value in live.items() if value is not None}}
