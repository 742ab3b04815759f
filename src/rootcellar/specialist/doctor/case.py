"""The case: one app of a project, and what of it is alive: its result store, its workers, its servers' own words."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar, cast

from rootcellar.specialist.doctor.asking import Absent, ask_facts, ask_fleet, ask_store, let_go, refuse_missing_file
from rootcellar.specialist.doctor.fleet import Fleet
from rootcellar.specialist.engines import Engine, engine_of
from rootcellar.specialist.live import live_settings
from rootcellar.specialist.probing import known_settings
from rootcellar.specialist.profile import App, Place
from rootcellar.specialist.profile.address import Address, address_of
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.runner import Hung, Runner
from rootcellar.specialist.secrets import blot_out, in_settings
from rootcellar.specialist.subject import Subject

T = TypeVar("T")

_PLAIN = (str, int, float, bool, timedelta, type(None))


class Case:
    """One app under examination. Everything live is asked once, bounded, and only when an examination needs it.

    ``loaded`` is the Celery app itself (``-A``); without it a stand-in is made of the settings that the files say.
    """

    def __init__(
        self,
        project: Project,
        app: App | None,
        loaded: Any = None,
        *,
        task_id: str = "",
        timeout_s: float = 5.0,
    ) -> None:
        self.project = project
        self.app = app
        self.loaded = loaded
        self.task_id = task_id
        self.timeout_s = timeout_s
        live: Mapping[str, Any] = {}
        if loaded is not None:
            live = {**{str(name): loaded.conf.get(name) for name in loaded.conf}, **live_settings(loaded)}
        #: the client's settings, by Celery's lower-case names
        self.settings = known_settings(app, live) if app is not None else dict(live)
        url = self.settings.get("result_backend")
        #: the client's ``result_backend``; empty: none is set, or it is unknown
        self.url = url if isinstance(url, str) and "{" not in url else ""
        broker = self.settings.get("broker_url")
        broker = broker[0] if isinstance(broker, (list, tuple)) and broker else broker
        self.broker_url = broker if isinstance(broker, str) and "{" not in broker else ""
        self.secrets = [self.url, self.broker_url, *in_settings(self.settings)]
        self._runner = Runner()
        self._subject: Subject | None = None
        self._plain: Subject | None = None

    # -- what is known without asking ----------------------------------------------------------------------------

    @property
    def target(self) -> str:
        """The app's name."""
        return self.app.target if self.app is not None else str(getattr(self.loaded, "main", "") or "")

    @property
    def engine(self) -> Engine:
        """The row of the engine table for its results."""
        is_set = bool(self.settings.get("result_backend")) or (self.app is not None and bool(self.app.unknown))
        return engine_of(self.url or (None if is_set and not self.loaded else ""))

    @property
    def address(self) -> Address:
        """Where its results are, taken apart."""
        return address_of(self.url.removeprefix("cellar+"))

    @property
    def expires_s(self) -> float | None:
        """How long the client's settings keep a result, in seconds; ``None`` and 0: for ever."""
        return kept_s(self.settings.get("result_expires", timedelta(days=1)))

    def where(self, setting: str) -> Place | None:
        """Return where the project's files set a setting, or make the app."""
        return self.app.where(setting) if self.app is not None else None

    def hide(self, text: str) -> str:
        """Return a text without the case's secrets."""
        return blot_out(" ".join(text.split()), self.secrets)

    def said(self, exc: BaseException) -> str:
        """Return an exception as one line that may be shown."""
        text = self.hide(str(exc))
        return f"{type(exc).__name__}: {text}" if text else type(exc).__name__

    # -- asking ---------------------------------------------------------------------------------------------------

    def call(self, function: Callable[[], T], patience: float = 2.0) -> T:
        """Return what ``function`` returns, called in the thread that holds this case's connections.

        Raises:
            Hung: it took ``patience`` times the time-out. The next call has a new thread, and connections of its own.
        """
        try:
            return self._runner.call(function, self.timeout_s * patience + 1)
        except Hung:
            self._runner = Runner()
            raise

    def close(self) -> None:
        """Delete what was stored and is left, and close the connections, without complaint."""
        subjects = [one for one in (self._subject, self._plain) if one is not None]
        self._subject = self._plain = None

        # To look at a backend that was never made would make it, and its tables.
        is_used = self.__dict__.get("_store", (None, None))[0] is not None

        def tidy() -> None:
            for subject in subjects:
                for task_id in list(subject.made):
                    with suppress(Exception):
                        subject.forget(task_id)
                if is_used:
                    let_go(subject)
                subject.close()

        with suppress(Exception):
            if subjects:
                self._runner.call(tidy, self.timeout_s * 2)
        self._runner.close()

    @property
    def subject(self) -> Subject:
        """The result store as the client sees it.

        Raises:
            Absent: there is none, or it is not known.
        """
        if self._subject is None:
            self._subject = Subject(self.require_store(), self.settings, self.timeout_s)
        return self._subject

    @property
    def plain_subject(self) -> Subject:
        """The same through Celery's own backend, whose keys are rootcellar's: only for reading what lies there."""
        if not self.url.startswith("cellar+"):
            return self.subject
        if self._plain is None:
            self._plain = Subject(self.require_store().removeprefix("cellar+"), self.settings, self.timeout_s)
        return self._plain

    def require_store(self) -> str:
        """Return the URL of a store that can be asked.

        Raises:
            Absent: there is none, or it is not known.
        """
        engine = self.engine.name
        if not self.url:
            unknown = "result_backend is not set" if engine == "disabled" else "result_backend is not known from files"
            raise Absent(f"{unknown}: name the app with -A")
        if self.engine.owner == "django-celery-results" and self.loaded is None:
            raise Absent("results lie behind Django's settings: name the app with -A")
        if engine in ("rpc", "disabled"):
            raise Absent(f"there is no store to ask: {self.engine.label}")
        if self.address.scheme.startswith("db+sqlite") or self.address.scheme == "sqlite":
            refuse_missing_file(self.address.path)
        return self.url

    def need(self, name: str) -> None:
        """Make sure that one of :data:`.suspect.NEEDS` is there.

        Raises:
            Absent: it is not.
        """
        if name == "task" and not self.task_id:
            raise Absent("no task is named: --task-id")
        if name == "store":
            _ = self.store
        if name == "fleet":
            _ = self.fleet
        if name == "workers" and not self.fleet.workers:
            raise Absent("no worker answers")
        if name == "facts":
            _ = self.facts

    @property
    def store(self) -> str:
        """What the store's server says it is: ``Redis 7.0.15``.

        Raises:
            Absent: it does not answer.
        """
        return self._once("_store", lambda: ask_store(self))

    @property
    def fleet(self) -> Fleet:
        """The workers that answer.

        Raises:
            Absent: the broker is not known, or does not answer.
        """
        return self._once("_fleet", lambda: ask_fleet(self))

    @property
    def facts(self) -> Mapping[str, Any]:
        """What ``specialist/probing`` knows of the result store's server.

        Raises:
            Absent: it does not answer, or nobody knows how to ask it.
        """
        return self._once("_facts", lambda: ask_facts(self))

    @cached_property
    def client(self) -> Any:
        """The Celery app to send and route with."""
        if self.loaded is not None:
            return self.loaded
        from celery import Celery

        app = Celery("rootcellar.doctor", set_as_current=False)
        app.conf.update({name: value for name, value in self.settings.items() if _is_plain(value)})
        return app

    @cached_property
    def task_names(self) -> tuple[str, ...]:
        """Names of the project's tasks that are certain: of the loaded app, else those that the project sends.

        A loaded app also has the shared tasks of every package that was imported: where the files say which tasks are
        the project's own, the others do not count.
        """
        known = {task.name for task in self.project.tasks(self.app)} if self.app is not None else set()
        if self.loaded is not None:
            loaded = {str(name) for name in self.loaded.tasks if not name.startswith("celery.")}
            return tuple(sorted(loaded & known or loaded))
        if self.app is None:
            return ()
        sent = {name for use in self.project.uses(self.app) for name in use.tasks}
        return tuple(sorted(known & sent))

    def queue_of(self, task: str) -> str:
        """Return the queue that a call of a task goes to, if the call itself says nothing else."""
        if task in self.client.tasks:
            options = self.client.tasks[task]._get_exec_options()
        else:
            options = {}
            for one in self.project.tasks(self.app) if self.app is not None else ():
                queue = one.options.get("queue")
                if one.name == task and queue is not None and isinstance(queue.data, str):
                    options = {"queue": queue.data}
        routed = self.client.amqp.router.route(dict(options), task, (), {})
        queue = routed.get("queue") or self.client.conf.task_default_queue
        return str(getattr(queue, "name", queue))

    # -- the asking itself ----------------------------------------------------------------------------------------

    def _once(self, name: str, ask: Callable[[], T]) -> T:
        """Ask once; an :exc:`Absent` is remembered and raised again."""
        kept: tuple[T | None, Absent | None] | None = self.__dict__.get(name)
        if kept is None:
            try:
                kept = (ask(), None)
            except Absent as exc:
                kept = (None, exc)
            self.__dict__[name] = kept
        value, absent = kept
        if absent is not None:
            raise absent
        return cast("T", value)


def kept_s(expires: Any) -> float | None:
    """Return what ``result_expires`` says in seconds; ``None`` where it says for ever, or nothing that is known.

    >>> kept_s(timedelta(hours=1)), kept_s("60"), kept_s(None), kept_s(0)
    (3600.0, 60.0, None, None)
    """
    if isinstance(expires, timedelta):
        return expires.total_seconds() or None
    try:
        return float(expires) or None
    except (TypeError, ValueError):
        return None


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(inner) for key, inner in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)
