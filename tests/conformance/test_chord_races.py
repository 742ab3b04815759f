"""Members, callers and housekeepers of one chord that act at once, on every engine: exactly one gets the claim."""

import random
import threading
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chords import FAR_S, a_part, claimed, opened, results
from rootcellar.record import Record
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening
from servers import race, wait_until

T = TypeVar("T")
OpenIt = Callable[..., Store]
AnyRecord = Callable[..., Record]


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    """Make all calls in threads that start at the same moment; return the answers."""
    start = threading.Barrier(len(calls))
    answers: list[T] = []
    errors: list[BaseException] = []

    def run(call: Callable[[], T]) -> None:
        try:
            start.wait(60)
            answers.append(call())
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return answers


def claims_in(answers: list[Any]) -> list[Claim]:
    return [tally.claim for tally in answers if tally.claim is not None]


@pytest.mark.parametrize("has_records", [False, True])
def test_of_16_threads_that_report_at_once_exactly_one_is_given_the_claim(
    store_url: str, open_it: OpenIt, a_record: AnyRecord, has_records: bool
) -> None:
    """Through four stores; half of the parts are reported twice. And none is lost, time after time."""
    stores = [open_it(store_url) for _ in range(4)]
    for attempt in range(15):
        chord_id = f"c{attempt}"
        opened(stores[0], chord_id, size=8)

        def report(number: int, chord_id: str = chord_id) -> Any:
            task_id = f"{chord_id}-{number % 8}"
            record = a_record(task_id) if has_records else None
            part = a_part(chord_id, task_id, number % 8)
            return stores[number % 4].chords.report(part, f"t{number}", FAR_S, record=record)

        claims = claims_in(at_once([lambda number=number: report(number) for number in range(16)]))  # type: ignore[misc]

        assert [(c.ready, c.size, c.document, c.is_takeover) for c in claims] == [(8, 8, b"document", False)]
        assert len(results(stores[0], chord_id)) == 8


def test_of_processes_that_report_at_once_exactly_one_is_given_the_claim(store_url: str, open_it: OpenIt) -> None:
    """Two workers, as it were; nobody has opened the chord."""
    store = open_it(store_url)
    store.chords.set_size("c", 40)

    def report(worker: int) -> list[str]:
        mine = open_store(store_url)
        parts = [a_part("c", f"{worker}-{number}", 10 * worker + number) for number in range(10)]
        tallies = [mine.chords.report(part, f"{worker}", FAR_S, opening=lambda: Opening(b"document")) for part in parts]
        return [tally.claim.token for tally in tallies if tally.claim is not None]

    assert sum(map(len, race(4, report))) == 1
    assert len(results(store, "c")) == 40


def test_the_size_and_the_last_part_at_once_leave_nobody_waiting(store_url: str, open_it: OpenIt) -> None:
    """Either the report is given the claim, or the chord is due."""
    one, two = open_it(store_url), open_it(store_url)
    for attempt in range(30):
        chord_id = f"c{attempt}"
        opened(one, chord_id)
        part = a_part(chord_id, "a", 0)
        calls: list[Callable[[], Any]] = [
            lambda part=part: one.chords.report(part, "report", FAR_S),  # type: ignore[misc]
            lambda chord_id=chord_id: two.chords.set_size(chord_id, 1),  # type: ignore[misc]
        ]
        claims = claims_in([tally for tally in at_once(calls) if tally is not None])

        assert (len(claims), chord_id in one.chords.due()) in [(1, False), (0, True)]
        assert (one.chords.claim(chord_id, "housekeeper", FAR_S) is None) is bool(claims)


def test_of_housekeepers_that_claim_at_once_exactly_one_is_given_the_claim(store_url: str, open_it: OpenIt) -> None:
    """And a duplicate of the last part that comes in between changes nothing."""
    stores = [open_it(store_url) for _ in range(4)]
    for attempt in range(15):
        chord_id = f"c{attempt}"
        opened(stores[0], chord_id)
        stores[0].chords.report(a_part(chord_id, "a", 0), "first", FAR_S)
        stores[0].chords.set_size(chord_id, 1)

        def look(number: int, chord_id: str = chord_id) -> Claim | None:
            if number == 0:
                return stores[0].chords.report(a_part(chord_id, "a", 0), "duplicate", FAR_S).claim
            return stores[number % 4].chords.claim(chord_id, f"t{number}", FAR_S)

        answers = at_once([lambda number=number: look(number) for number in range(8)])  # type: ignore[misc]

        assert [claim.is_takeover for claim in answers if claim is not None] == [False]


def test_of_two_bodies_that_arrive_at_once_one_may_run(store_url: str, open_it: OpenIt) -> None:
    """Time after time."""
    stores = [open_it(store_url) for _ in range(4)]
    for attempt in range(15):
        chord_id = f"c{attempt}"
        claimed(stores[0], chord_id, run="run")
        answers = at_once(
            [lambda n=n, c=chord_id: stores[n].chords.begin_body(c, f"t{n}", "run") for n in range(4)]  # type: ignore[misc]
        )
        assert sorted(answers) == [False, False, False, True]


@given(
    members=st.lists(
        st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 5)), min_size=1, max_size=6, unique=True
    ),
    duplicates=st.integers(0, 5),
    sized_after=st.integers(0, 12),
    added=st.integers(0, 2),
    chance=st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_reports_gives_one_claim_when_all_parts_are_in(
    store: Store,
    members: list[tuple[str, int | None]],
    duplicates: int,
    sized_after: int,
    added: int,
    chance: random.Random,
) -> None:
    """With duplicates anywhere, and the size becoming known at any time."""
    chord_id = uuid.uuid4().hex
    reports = [*members, *chance.choices(members, k=duplicates)]
    chance.shuffle(reports)
    added = min(added, len(members))
    sized_after = min(sized_after, len(reports))
    opened(store, chord_id)
    for number in range(added):
        store.chords.add(chord_id, f"added {number}")
    seen: set[tuple[str, int | None]] = set()
    claims = 0
    for number, (task_id, place) in enumerate(reports):
        if number == sized_after:
            store.chords.set_size(chord_id, len(members) - added)
        seen.add((task_id, place))
        tally = store.chords.report(a_part(chord_id, task_id, place, result=number), f"t{number}", FAR_S)

        is_complete = number >= sized_after and len(seen) == len(members)
        assert (tally.claim is not None) is (is_complete and claims == 0)
        assert len(seen) == tally.ready
        claims += tally.claim is not None
    if sized_after == len(reports):
        store.chords.set_size(chord_id, len(members) - added)

    assert (chord_id in store.chords.due()) is (claims == 0)
    assert (store.chords.claim(chord_id, "housekeeper", FAR_S) is not None) is (claims == 0)
    assert len(results(store, chord_id)) == len(members)


# -- in an order that only PostgreSQL lets happen: it reads a snapshot, and then waits for a row -----------------------


def run_in_turn(url: str, chord_id: str, calls: list[Callable[[], Any]]) -> None:
    """Let each call run up to the chord's row, in this order, before the first of them may change it."""
    import psycopg

    threads = [threading.Thread(target=call) for call in calls]
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as looker:

        def waiting() -> int:
            rows = looker.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchall()
            count: int = rows[0][0]
            return count

        holder.execute("SELECT 1 FROM cellar_chord WHERE id = %s FOR UPDATE", (chord_id,))
        for number, thread in enumerate(threads, 1):
            thread.start()
            wait_until(lambda number=number: number == waiting(), "the call waits")  # type: ignore[misc]
        holder.commit()
    for thread in threads:
        thread.join()


@pytest.mark.postgresql
def test_a_part_that_came_in_while_its_chord_was_being_begun_anew_is_forgotten(
    postgresql_url: str, open_it: OpenIt
) -> None:
    """The opening does not see it, and yet the member of the same id counts when it reports in the new run."""
    store = open_it(postgresql_url)
    opened(store, "c")

    def report_late() -> None:
        store.chords.report(a_part("c", "a", 0, result="old"), "old", FAR_S)

    run_in_turn(postgresql_url, "c", [report_late, lambda: store.chords.open("c", Opening(b"new"))])

    assert results(store, "c") == []
    store.chords.set_size("c", 1)
    tally = store.chords.report(a_part("c", "a", 0, result="new"), "t", FAR_S)
    assert Claim("c", "t", 1, 1, b"new") == tally.claim
    assert results(store, "c") == ["new"]


@pytest.mark.postgresql
def test_a_part_that_waits_while_its_chord_is_begun_anew_does_not_count(postgresql_url: str, open_it: OpenIt) -> None:
    """It is of the run before."""
    store = open_it(postgresql_url)
    opened(store, "c")
    tallies: list[Any] = []

    def report_late() -> None:
        tallies.append(store.chords.report(a_part("c", "a", 0, result="old"), "old", FAR_S))

    run_in_turn(postgresql_url, "c", [lambda: store.chords.open("c", Opening(b"new")), report_late])

    assert [tally.ready for tally in tallies] == [0]
    assert store.chords.report(a_part("c", "a", 0, result="new"), "t", FAR_S).ready == 1
    assert results(store, "c") == ["new"]


@pytest.mark.postgresql
def test_a_part_that_came_in_while_its_chord_was_being_finished_is_purged_with_the_mark(
    postgresql_url: str, open_it: OpenIt, execute: Callable[..., list[Any]]
) -> None:
    """The end of the chord does not see it; it counts nowhere."""
    store = open_it(postgresql_url)
    claim = claimed(store, "c")
    tallies: list[Any] = []

    def report_late() -> None:
        tallies.append(store.chords.report(a_part("c", "late", 1), "t", FAR_S))

    run_in_turn(postgresql_url, "c", [lambda: store.chords.finish(claim, 0.0), report_late])

    assert [(tally.ready, tally.claim) for tally in tallies] == [(0, None)]
    assert results(store, "c") == []
    assert list(store.purge()) == [1]
    assert execute(postgresql_url, "SELECT count(*) FROM cellar_chord_part") == [(0,)]


@pytest.mark.postgresql
@pytest.mark.parametrize("is_report_first", [True, False])
def test_a_part_that_comes_while_what_was_said_of_its_chord_is_dropped_counts(
    postgresql_url: str, open_it: OpenIt, monkeypatch: pytest.MonkeyPatch, is_report_first: bool
) -> None:
    """Nobody had reported to it for a day."""
    monkeypatch.setattr("rootcellar.stores.postgresql_ledger.BODY_MARK_S", -1.0)
    store = open_it(postgresql_url)
    store.chords.set_size("c", 3)
    sizes: list[int | None] = []

    def report() -> None:
        sizes.append(store.chords.report(a_part("c", "a", 0, result="kept"), "t", FAR_S, opening=Opening).size)

    calls: list[Callable[[], Any]] = [report, lambda: store.chords.claim("c", "housekeeper", FAR_S)]
    run_in_turn(postgresql_url, "c", calls if is_report_first else calls[::-1])

    assert sizes == [3 if is_report_first else None]
    assert results(store, "c") == ["kept"]
    assert store.chords.report(a_part("c", "b", 1), "t", FAR_S).ready == 2
