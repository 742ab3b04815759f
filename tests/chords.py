"""What the tests of the chord ledger share."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening, Part

Parts = Callable[..., Part]

#: a lease or a time that is not over while a test runs
FAR_S = 3600.0
#: a lease that is over as soon as one waits for it
SHORT_S = 0.05


def a_part(chord_id: str, task_id: str, place: int | None, state: str = "SUCCESS", result: Any = None) -> Part:
    """Make a part, its payload as Celery writes it."""
    return Part(chord_id, task_id, place, state, json.dumps([1, task_id, state, result]).encode())


def opened(
    store: Store,
    chord_id: str,
    size: int | None = None,
    origin: str | None = None,
    document: bytes | None = b"document",
    run: str | None = None,
) -> None:
    """Begin a chord that may take for ever."""
    store.chords.open(chord_id, Opening(document, None, origin, run))
    if size is not None:
        store.chords.set_size(chord_id, size)


def claimed(
    store: Store,
    chord_id: str,
    members: int = 1,
    origin: str | None = None,
    token: str = "first",
    lease_s: float = FAR_S,
    run: str | None = None,
) -> Claim:
    """Begin a chord, report all its members, and return the claim."""
    opened(store, chord_id, members, origin, run=run)
    for number in range(members):
        tally = store.chords.report(a_part(chord_id, f"member {number}", number), token, lease_s)
    assert tally.claim is not None
    return tally.claim


def payloads(batches: Iterable[list[bytes]]) -> list[Any]:
    """Read the parts that a ledger yields."""
    return [json.loads(payload) for batch in batches for payload in batch]


def results(store: Store, chord_id: str, batch: int = 1000) -> list[Any]:
    """Return what a chord's members have returned, in its order."""
    return [payload[3] for payload in payloads(store.chords.parts(chord_id, batch))]
