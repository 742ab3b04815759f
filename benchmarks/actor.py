"""An actor: a process of its own that holds one subject and does with it what it is asked."""

import multiprocessing
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import billiard

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


class Actor:
    """A fresh interpreter, in which ``setup(*args)`` makes the subject that every request is about.

    With ``forked`` the subject is made first and then used in a child that billiard forks, as Celery's prefork pool
    does: after-fork hooks have run there, which is when Celery's database backend begins to pool its connections.
    """

    def __init__(self, setup: Callable[..., Any], *args: Any, forked: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_live, args=(theirs, setup, args, forked))
        self._process.start()
        theirs.close()

    def call(self, function: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have ``function(subject, *args)`` run over there; return what it returned."""
        self.ask(function, *args, **kwargs)
        answer: T = self.answer()
        return answer

    def ask(self, function: Callable[Concatenate[Any, P], Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Begin what :meth:`call` does; :meth:`answer` ends it."""
        with suppress(BrokenPipeError):  # the answer says why it has left
            self._connection.send((function, args, kwargs))

    def answer(self) -> Any:
        """Wait for what was asked last."""
        try:
            value, failure = self._connection.recv()
        except EOFError:
            raise RuntimeError("A measuring process has died; its traceback is above.") from None
        if failure:
            raise RuntimeError(f"A measuring process failed:\n{failure}")
        return value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._connection.close()  # the other end sees it and leaves
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _live(connection: Connection, setup: Callable[..., S], args: tuple[Any, ...], forked: bool) -> None:
    try:
        subject = setup(*args)
    except Exception:
        connection.send((None, traceback.format_exc()))
        return
    if not forked:
        _serve(connection, subject)
        return
    child = billiard.Process(target=_serve, args=(connection, subject))
    child.start()
    connection.close()  # else nobody would notice the child's death
    child.join()


def _serve(connection: Connection, subject: Any) -> None:
    while True:
        try:
            function, args, kwargs = connection.recv()
        except EOFError:
            return
        try:
            reply: tuple[Any, str | None] = (function(subject, *args, **kwargs), None)
        except Exception:
            reply = (None, traceback.format_exc())
        connection.send(reply)
