"""Fixtures of the unit tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakes import FakeStore
from rootcellar.waiting import Hub

NEVER_S = 3600.0


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def make_hub(store: FakeStore) -> Iterator[Callable[..., Hub]]:
    """Make hubs that look again only when told to, and are closed at the end."""
    hubs: list[Hub] = []

    def make(**arguments: float) -> Hub:
        settings: dict[str, Any] = {"look_interval_s": NEVER_S, "linger_s": NEVER_S, **arguments}
        hubs.append(Hub(store, **settings))  # type: ignore[arg-type]
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.close()
        assert not hub.is_running
