"""Delivery: what lies in the spool goes to the store, oldest first, once it is back."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rootcellar.errors import ConfigurationError, RootcellarError
from rootcellar.spool import observers
from rootcellar.spool.entry import Entry
from rootcellar.spool.file import Spool
from rootcellar.spool.retry import AWAY
from rootcellar.spool.store import SpooledStore
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim

logger = logging.getLogger(__name__)

OnClaim = Callable[[Claim], object]
_Numbered = Sequence[tuple[int, Entry]]

#: It is not about the entry: the next delivery may go better.
_STOP = (*AWAY, ConfigurationError)


@dataclass
class Delivery:
    """How a delivery went."""

    #: entries the store took
    delivered: int = 0
    #: entries it refused, now set aside
    refused: int = 0
    #: why the delivery ended before the spool was empty
    stopped_by: RootcellarError | None = None
    #: another thread or process of this host is delivering; nothing was done here
    is_elsewhere: bool = False


def deliver(
    spool: Spool,
    store: Store,
    on_claim: OnClaim,
    new_token: Callable[[], str],
    lease_s: float,
    batch: int = 100,
    on_progress: Callable[[Delivery], object] | None = None,
) -> int:
    """Deliver what lies in ``spool`` to ``store``; return how many entries it took.

    One deliverer of the host does so at a time; the others return at once. It ends when the spool is empty, or the
    store away (again). What the store refuses is set aside. Where this is interrupted, an entry may be delivered
    twice, which changes nothing. ``on_claim`` is given each chord that was completed, to be finished under a lease of
    ``lease_s`` seconds and a token from ``new_token``.
    """
    return attempt(spool, store, on_claim, new_token, lease_s, batch, on_progress).delivered


def attempt(
    spool: Spool,
    store: Store,
    on_claim: OnClaim,
    new_token: Callable[[], str],
    lease_s: float,
    batch: int = 100,
    on_progress: Callable[[Delivery], object] | None = None,
) -> Delivery:
    """Do what :func:`deliver` does, and return how it went."""
    so_far = Delivery()
    if spool.is_empty():
        return so_far
    if isinstance(store, SpooledStore):
        store = store.store
    deliverer = _Deliverer(spool, store, on_claim, new_token, lease_s, so_far)
    with spool.delivering() as is_mine:
        if not is_mine:
            so_far.is_elsewhere = True
            return so_far
        while so_far.stopped_by is None and (entries := spool.oldest(batch)):
            deliverer.deliver(entries)
            observers.tell(spool.name, spool.depth)
            if on_progress is not None:
                on_progress(so_far)
        if so_far.stopped_by is None and so_far.delivered:
            spool.shrink()
    if so_far.delivered:
        logger.info("%d entries of the spool %s were delivered", so_far.delivered, spool.path)
    return so_far


class _Deliverer:
    def __init__(
        self,
        spool: Spool,
        store: Store,
        on_claim: OnClaim,
        new_token: Callable[[], str],
        lease_s: float,
        so_far: Delivery,
    ) -> None:
        self._spool = spool
        self._store = store
        self._on_claim = on_claim
        self._new_token = new_token
        self._lease_s = lease_s
        self._so_far = so_far

    def deliver(self, entries: _Numbered) -> None:
        """Deliver in order; forget what the store took, also where one of the later entries ends it."""
        taken: list[int] = []
        try:
            for run in _runs(entries):
                for seq in self._deliver_run(run):
                    taken.append(seq)  # noqa: PERF402  # what came before an error counts
        except _STOP as exc:
            self._so_far.stopped_by = exc
        finally:
            if taken:
                self._spool.remove(taken)
                self._so_far.delivered += len(taken)

    def _deliver_run(self, run: _Numbered) -> Iterator[int]:
        if len(run) > 1:
            try:
                self._store.put_many([entry.record for _, entry in run if entry.record is not None])
            except _STOP:
                raise
            except Exception as exc:  # one of them is refused: which, is found out one by one
                logger.debug("%d entries of the spool are delivered one by one: %s", len(run), exc)
            else:
                yield from [seq for seq, _ in run]
                return
        for seq, entry in run:
            try:
                claim = self._deliver_one(entry)
            except _STOP:
                raise
            except Exception as exc:
                self._refuse(seq, entry, exc)
                continue
            yield seq
            if claim is not None:
                self._finish(claim)

    def _deliver_one(self, entry: Entry) -> Claim | None:
        record, part, opening = entry
        if part is not None:
            tally = self._store.chords.report(
                part,
                self._new_token(),
                self._lease_s,
                record=record,
                opening=None if opening is None else lambda: opening,
            )
            return tally.claim
        if record is not None:
            self._store.put(record)
        return None

    def _refuse(self, seq: int, entry: Entry, exc: Exception) -> None:
        reason = f"{type(exc).__name__}: {exc}"
        logger.critical(
            "The store refuses an entry of the spool %s, which is set aside there: %s The entry: %s",
            self._spool.path,
            reason,
            entry.in_full(),
        )
        self._spool.refuse(seq, reason)
        self._so_far.refused += 1

    def _finish(self, claim: Claim) -> None:
        try:
            self._on_claim(claim)
        except Exception:  # the lease ends, and somebody else gets the claim
            logger.exception("The chord %s, complete now, could not be finished; it is tried again", claim.chord_id)


def _runs(entries: _Numbered) -> Iterator[_Numbered]:
    """Cut entries into runs that can go to the store in one batch: plain records, no two of one task."""
    run: list[tuple[int, Entry]] = []
    ids: set[str] = set()
    for seq, entry in entries:
        is_plain = entry.part is None
        if run and (not is_plain or entry.task_id in ids):
            yield run
            run, ids = [], set()
        if not is_plain:
            yield [(seq, entry)]
            continue
        run.append((seq, entry))
        ids.add(entry.task_id)
    if run:
        yield run
