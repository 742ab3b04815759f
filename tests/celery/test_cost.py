"""Nobody waits, nothing is paid."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, group
from cellar_tasks import make_app

from rootcellar.stores.base import Store


class CountedStore:
    """Counts what is asked of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return found(*args, **kwargs)

        return counted


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the results would lie."""
    return tmp_path / "results.db"


@pytest.fixture
def sender(database: Path) -> Celery:
    """An app whose tasks go nowhere, and whose store counts, behind its spool."""
    app = make_app({"broker_url": "memory://", "result_backend": f"cellar+sqlite:///{database}"})
    app.backend.store.store = CountedStore(app.backend.store.store)
    return app


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("rootcellar")}


def test_sending_tasks_asks_nothing_of_the_store(sender: Celery, database: Path) -> None:
    """No subscription, no connection, no thread (celery/celery#3808)."""
    before = _threads()
    results = [sender.tasks["add"].delay(1, 1) for _ in range(100)]
    assert len(results) == 100
    assert (sender.backend.store.calls, _threads() - before, database.exists()) == (Counter(), set(), False)


def test_sending_a_group_of_a_thousand_asks_nothing_of_the_store(sender: Celery, database: Path) -> None:
    """Although Celery's ``GroupResult`` calls ``then`` on each member the moment it is made."""
    before = _threads()
    result = group(sender.tasks["add"].s(i, i) for i in range(1_000)).apply_async()
    assert len(result) == 1_000
    assert (sender.backend.store.calls, _threads() - before, database.exists()) == (Counter(), set(), False)


def test_reading_a_group_of_a_thousand_is_one_operation(sender: Celery) -> None:
    """One ``get_many`` for those that are ready."""
    result = group(sender.tasks["add"].s(i, i) for i in range(1_000)).apply_async()
    for member in result.results:
        sender.backend.store_result(member.id, 1, "SUCCESS")
    sender.backend.store.calls.clear()
    assert result.get(timeout=30) == [1] * 1_000
    assert sender.backend.store.calls == Counter(get_many=1)


def test_getting_a_ready_result_is_one_operation(sender: Celery) -> None:
    """One ``get``, and the hub is left asleep."""
    before = _threads()
    result = sender.tasks["add"].delay(1, 1)
    sender.backend.store_result(result.id, 2, "SUCCESS")
    sender.backend.store.calls.clear()
    assert result.get(timeout=30) == 2
    assert (sender.backend.store.calls, _threads() - before) == (Counter(get=1), set())
