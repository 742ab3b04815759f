"""Running a function in forked processes, for real, and getting what it returned or raised back."""

import os
import pickle
import traceback
import warnings
from collections.abc import Callable
from typing import Any


def in_child(function: Callable[[], Any]) -> Any:
    """Fork, call ``function`` in the child, and return what it returned.

    Raises:
        AssertionError: it raised; the message holds the child's traceback.
    """
    return _collect(_fork(function))


def race(count: int, function: Callable[[int], Any]) -> list[Any]:
    """Call ``function(0)`` … ``function(count - 1)`` in as many processes, all let go at the same moment.

    Returns what each returned, by number. Raises like :func:`in_child`.
    """
    gate_reader, gate_writer = os.pipe()

    def run(number: int) -> Any:
        os.close(gate_writer)
        os.read(gate_reader, 1)  # returns when the last writer is closed
        return function(number)

    children = [_fork(lambda number=number: run(number)) for number in range(count)]
    os.close(gate_reader)
    os.close(gate_writer)
    return [_collect(child) for child in children]


def fork() -> int:
    """Do what ``os.fork`` does, without the warning."""
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside threads: the danger these tests are about, and pytest-xdist has one.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _fork(function: Callable[[], Any]) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = fork()
    if pid:
        os.close(writer)
        return pid, reader
    status = 1
    try:
        os.close(reader)
        try:
            answer = pickle.dumps((True, function()))
        except BaseException:
            answer = pickle.dumps((False, traceback.format_exc()))
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(answer)
        status = 0
    finally:
        os._exit(status)


def _collect(child: tuple[int, int]) -> Any:
    pid, reader = child
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not answer:
        raise AssertionError(f"the child process died without a word (status {status})")
    fine, value = pickle.loads(answer)
    if not fine:
        raise AssertionError(f"in the child process:\n{value}")
    return value
