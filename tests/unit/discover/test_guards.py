"""Conditions that tell that a result is there: what is got behind them is not waited for."""

from pathlib import Path

import pytest

from result_uses import uses_of

HEAD = (
    "from celery import states\nfrom celery.result import AsyncResult\ndef show(id, other):\n    r = AsyncResult(id)\n"
)

READY = {
    "ready()": "if r.ready():\n    return r.get()",
    "successful() and more": "if r.successful() and other:\n    return r.get()",
    "a state": "if r.state == 'SUCCESS':\n    return r.get()",
    "a state of Celery's names": "if r.status in states.READY_STATES:\n    return r.get()",
    "one of several states": "if r.state in ('SUCCESS', 'FAILURE'):\n    return r.get()",
    "not yet, and left": "if not r.ready():\n    return None\nreturn r.get()",
    "another state, and raised": "if r.state != 'SUCCESS':\n    raise ValueError\nreturn r.get()",
    "the other branch": "if not r.ready():\n    x = 1\nelse:\n    return r.get()",
    "a choice": "return r.get() if r.ready() else None",
    "and": "return r.ready() and r.get()",
    "or": "return not r.ready() or r.get()",
    "a loop that waits": "while not r.ready():\n    other()\nreturn r.get()",
}
NOT_READY = {
    "no condition": "return r.get()",
    "another result": "q = AsyncResult(other)\nif q.ready():\n    return r.get()",
    "or something else": "if r.ready() or other:\n    return r.get()",
    "a state on the way": "if r.state == 'PROGRESS':\n    return r.get()",
    "the wrong branch": "if r.ready():\n    x = 1\nelse:\n    return r.get()",
    "after the condition": "if r.ready():\n    x = 1\nreturn r.get()",
    "another result by the same name": "if r.ready():\n    r = AsyncResult(other)\n    return r.get()",
    "a condition about something else": "if other.ready and r:\n    return r.get()",
}


def is_ready(folder: Path, body: str) -> bool:
    uses = [
        one
        for one in uses_of(folder, HEAD + "".join(f"    {line}\n" for line in body.splitlines()))
        if one.kind == "get"
    ]
    assert len(uses) == 1
    return uses[0].is_ready


@pytest.mark.parametrize("body", READY.values(), ids=READY.keys())
def test_a_result_is_there_behind(body: str, tmp_path: Path) -> None:
    assert is_ready(tmp_path, body)


@pytest.mark.parametrize("body", NOT_READY.values(), ids=NOT_READY.keys())
def test_a_result_may_have_to_be_waited_for_behind(body: str, tmp_path: Path) -> None:
    assert not is_ready(tmp_path, body)
