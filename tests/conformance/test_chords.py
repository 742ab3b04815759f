"""The chord ledger, on every engine: what is counted and kept. Who gets the claim is in test_chord_claims.py."""

import time
from collections.abc import Callable

import pytest

from chords import FAR_S, a_part, claimed, opened, payloads, results
from rootcellar.record import Record
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening, Tally
from servers import wait_until

AnyRecord = Callable[..., Record]


def test_of_a_chord_that_nobody_has_begun_nothing_is_known(store: Store) -> None:
    """And asking begins none."""
    assert list(store.chords.parts("c")) == []
    assert store.chords.failed("c") is None
    assert store.chords.claim("c", "t", FAR_S) is None
    assert store.chords.due() == []


def test_each_part_is_counted(store: Store) -> None:
    """The tally says how many have come in, and of how many once that is known."""
    opened(store, "c")
    first = store.chords.report(a_part("c", "a", 0), "t1", FAR_S)
    store.chords.set_size("c", 3)
    second = store.chords.report(a_part("c", "b", 1), "t2", FAR_S)

    assert Tally(is_stored=True, ready=1) == first
    assert Tally(is_stored=True, ready=2, size=3) == second


def test_a_duplicate_counts_once_whatever_its_result(store: Store) -> None:
    """A task that was delivered twice may return something else, or fail; its first report is the one that is kept."""
    opened(store, "c", size=2)
    for state, result in (("SUCCESS", "first"), ("SUCCESS", "second"), ("FAILURE", "third")):
        tally = store.chords.report(a_part("c", "a", 0, state, result), "t", FAR_S)
        assert (tally.ready, tally.claim) == (1, None)

    assert results(store, "c") == ["first"]
    assert store.chords.failed("c") is None


@pytest.mark.parametrize("places", [(0, 1), (7, None)])
def test_one_task_at_two_places_counts_twice(store: Store, places: tuple[int, int | None]) -> None:
    """A signature that was frozen once and stands twice in a header has one id; its results may be the same."""
    opened(store, "c", size=2)
    for place in places:
        store.chords.report(a_part("c", "a", place, result="same"), "t", FAR_S)

    assert results(store, "c") == ["same", "same"]


def test_one_task_that_was_given_no_place_counts_once(store: Store) -> None:
    """No place is a place too."""
    opened(store, "c", size=2)

    assert [store.chords.report(a_part("c", "a", None, result=r), "t", FAR_S).ready for r in (1, 2)] == [1, 1]


@pytest.mark.parametrize("is_size_first", [True, False])
def test_members_may_be_added(store: Store, is_size_first: bool) -> None:
    """To what ``set_size`` says, before it or after; one that is named again, since an answer was lost, is no other."""
    opened(store, "c")
    if is_size_first:
        store.chords.set_size("c", 1)
    for task_id in ("x", "y", "x", "z"):
        store.chords.add("c", task_id)
    if not is_size_first:
        store.chords.set_size("c", 1)
    tallies = [store.chords.report(a_part("c", str(number), number), "t", FAR_S) for number in range(4)]

    assert [tally.size for tally in tallies] == [4, 4, 4, 4]
    assert [tally.claim is not None for tally in tallies] == [False, False, False, True]


def test_two_chords_stay_apart(store: Store) -> None:
    """Also where they share a member."""
    for chord_id in ("c", "d"):
        opened(store, chord_id, size=2)
    store.chords.report(a_part("c", "a", 0, result="of c"), "t", FAR_S)
    tally = store.chords.report(a_part("d", "a", 0, result="of d"), "t", FAR_S)

    assert tally.ready == 1
    assert (results(store, "c"), results(store, "d")) == (["of c"], ["of d"])


def test_parts_are_yielded_in_the_order_of_the_header_in_batches(store: Store) -> None:
    """2,500 of them, reported from the last to the first; those without a place stand behind the others."""
    opened(store, "c")
    for number in reversed(range(2490)):
        store.chords.report(a_part("c", str(number), number, result=number), "t", FAR_S)
    for number in range(10):
        store.chords.report(a_part("c", f"no place {number}", None, result=f"no place {number}"), "t", FAR_S)

    for batch in (700, 1000, 5000):
        found = list(store.chords.parts("c", batch))
        assert max(map(len, found)) <= batch
        values = [payload[3] for payload in payloads(found)]
        assert [list(range(2490)), {f"no place {n}" for n in range(10)}] == [values[:2490], set(values[2490:])]
        assert len(values) == 2500


def test_a_large_part_is_yielded_as_it_is(store: Store) -> None:
    """Ten megabytes."""
    opened(store, "c", size=1)
    part = a_part("c", "a", 0, result="x" * (10 << 20))
    store.chords.report(part, "t", FAR_S)

    assert [[part.payload]] == list(store.chords.parts("c"))


def test_sql_yields_parts_without_a_place_in_the_order_of_their_arrival(sql_store: Store) -> None:
    """Batch by batch."""
    opened(sql_store, "c")
    for number in range(30):
        sql_store.chords.report(a_part("c", str(99 - number), None, result=number), "t", FAR_S)

    assert list(range(30)) == results(sql_store, "c", batch=7)


def test_the_first_part_that_failed_is_found(store: Store) -> None:
    """In the order of the header, and not of time; none, where all have succeeded."""
    opened(store, "c")
    store.chords.report(a_part("c", "good", 0), "t", FAR_S)
    assert store.chords.failed("c") is None

    store.chords.report(a_part("c", "without a place", None, "FAILURE"), "t", FAR_S)
    store.chords.report(a_part("c", "late", 5, "FAILURE"), "t", FAR_S)
    early = a_part("c", "early", 2, "REVOKED")
    store.chords.report(early, "t", FAR_S)

    assert early.payload == store.chords.failed("c")


def test_ids_of_all_kinds_stay_what_they_are(store: Store) -> None:
    """Of chords, of tasks, and of what began them."""
    odd_ids = (
        "it's",
        'double"quote',
        "back\\slash",
        "{brace,comma}",
        "наряд-Ω-半分-🥕",
        "percent%s$1?1:x",
        " ",
        "NULL",
        "🥕" * 255,
    )
    for odd in odd_ids:
        opened(store, odd, size=len(odd_ids), origin=odd)
        for place, task_id in enumerate(odd_ids):
            tally = store.chords.report(a_part(odd, task_id, place, result=task_id), f"token of {odd}", FAR_S)
        assert tally.claim is not None
        assert (odd, f"token of {odd}") == tally.claim[:2]
        assert list(odd_ids) == results(store, odd)
        assert store.chords.renew(tally.claim, 0.01)

    wait_until(lambda: set(odd_ids) == set(store.chords.due()), "all are due")


# -- the record that comes with a part ---------------------------------------------------------------------------------


def test_a_record_is_stored_with_its_part(store: Store, a_record: AnyRecord) -> None:
    """As ``put`` would."""
    opened(store, "c", size=2)

    tally = store.chords.report(a_part("c", "a", 0), "t", FAR_S, record=a_record("a", "SUCCESS", "mine"))

    assert (tally.is_stored, tally.ready) == (True, 1)
    kept = store.get("a")
    assert kept is not None
    assert a_record("a", "SUCCESS", "mine")[:3] == kept[:3]


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize(("kept", "arriving"), [("SUCCESS", "FAILURE"), ("FAILURE", "RETRY"), ("FAILURE", "SUCCESS")])
def test_the_record_of_a_part_obeys_the_rule(
    store: Store, a_record: AnyRecord, kept: str, arriving: str, compression: str | None
) -> None:
    """The part is counted all the same: the task has ended."""
    opened(store, "c", size=1)
    store.put(a_record("a", kept, "kept", compression))

    record = a_record("a", arriving, "arriving", compression)
    tally = store.chords.report(a_part("c", "a", 0, arriving), "t", FAR_S, record=record)

    assert tally.is_stored is (arriving == "SUCCESS")
    assert (tally.ready, tally.claim is not None) == (1, True)
    found = store.get("a")
    assert found is not None
    assert found.state == (arriving if tally.is_stored else kept)


def test_whoever_waits_for_a_record_is_told_when_it_comes_with_a_part(store: Store, a_record: AnyRecord) -> None:
    """As of ``put``."""
    opened(store, "c", size=2)
    watcher = store.watcher()
    try:
        watcher.add(["a"])
        store.chords.report(a_part("c", "a", 0), "t", FAR_S, record=a_record("a"))
        heard: set[str] = set()

        def is_heard() -> bool:
            news = watcher.poll(0.1)
            heard.update(news.ids, (record.id for record in news.records))
            return "a" in heard

        wait_until(is_heard, "the watcher is told")
    finally:
        watcher.close()


# -- how a chord begins ------------------------------------------------------------------------------------------------


def test_what_is_known_of_a_chord_that_nobody_opened_is_asked_for_once(store: Store) -> None:
    """By the first report, and kept for whoever sends the body."""
    asked = []

    def opening() -> Opening:
        asked.append(1)
        return Opening(b"document", time.time() + FAR_S)

    store.chords.report(a_part("c", "a", 0), "t1", FAR_S, opening=opening)
    store.chords.set_size("c", 2)
    tally = store.chords.report(a_part("c", "b", 1), "t2", FAR_S, opening=opening)

    assert len(asked) == 1
    assert Claim("c", "t2", 2, 2, b"document") == tally.claim


def test_a_report_that_completes_a_chord_nobody_opened_carries_what_it_was_told(store: Store) -> None:
    """The client may have said no more than how many members there are."""
    store.chords.set_size("c", 1)

    tally = store.chords.report(a_part("c", "a", 0), "t", FAR_S, opening=lambda: Opening(b"told"))

    assert Claim("c", "t", 1, 1, b"told") == tally.claim


def test_a_chord_that_was_opened_is_not_asked_for(store: Store) -> None:
    """Also where nothing could be kept of it."""
    store.chords.open("c", Opening())

    def never() -> Opening:
        raise AssertionError("asked")

    assert store.chords.report(a_part("c", "a", 0), "t", FAR_S, opening=never).ready == 1


def test_the_deadline_that_a_report_told_counts(store: Store) -> None:
    """As that of an opening does."""
    store.chords.report(a_part("c", "a", 0), "t", FAR_S, opening=lambda: Opening(b"told", time.time() - 1))

    assert store.chords.due() == ["c"]
    assert Claim("c", "t", 1, None, b"told", is_overdue=True) == store.chords.claim("c", "t", FAR_S)


def test_the_deadline_counts_also_where_something_was_said_before(store: Store) -> None:
    """Of a chord that nobody had opened; by a report, and by an opening."""
    opening = Opening(b"told", time.time() - 1)
    for chord_id in ("reported", "opened"):
        store.chords.set_size(chord_id, 2)
        store.chords.add(chord_id, "x")
        assert store.chords.due() == []
    store.chords.report(a_part("reported", "a", 0), "t", FAR_S, opening=lambda: opening)
    store.chords.open("opened", opening)

    assert set(store.chords.due()) == {"reported", "opened"}
    assert Claim("reported", "t", 1, 3, b"told", is_overdue=True) == store.chords.claim("reported", "t", FAR_S)
    assert Claim("opened", "t", 0, None, b"told", is_overdue=True) == store.chords.claim("opened", "t", FAR_S)


def test_a_deadline_that_is_told_late_takes_no_claim_away(store: Store) -> None:
    """Of two reports that know of the opening, one completes the chord before the other has told it."""
    store.chords.set_size("c", 2)
    told = Opening(b"told", time.time() - 1)

    def opening() -> Opening:
        assert store.chords.report(a_part("c", "b", 1), "last", FAR_S).claim is not None
        return told

    assert store.chords.report(a_part("c", "a", 0), "first", FAR_S, opening=opening).claim is None

    assert store.chords.claim("c", "housekeeper", FAR_S) is None


@pytest.mark.parametrize("origins", [(None, None), ("one", "two"), (None, "two"), ("one", None)])
def test_a_chord_that_is_opened_again_begins_anew(store: Store, origins: tuple[str | None, str | None]) -> None:
    """Its parts, its size, its document and its claim forgotten: Celery lets a frozen chord be applied again."""
    opened(store, "c", size=1, origin=origins[0], document=b"first")
    store.chords.add("c", "x")
    for number in range(2):
        store.chords.report(a_part("c", str(number), number, "FAILURE", "old"), "old", FAR_S)

    opened(store, "c", size=2, origin=origins[1], document=b"second")

    assert (results(store, "c"), store.chords.failed("c"), store.chords.due()) == ([], None, [])
    assert store.chords.report(a_part("c", "0", 0, result="new"), "t", FAR_S).ready == 1
    tally = store.chords.report(a_part("c", "1", 1, result="new"), "new", FAR_S)
    assert Claim("c", "new", 2, 2, b"second") == tally.claim
    assert results(store, "c") == ["new", "new"]


def test_opening_a_chord_again_from_the_same_task_changes_nothing(store: Store) -> None:
    """That task was redelivered; the members run already."""
    opened(store, "c", size=2, origin="starter", document=b"first")
    store.chords.report(a_part("c", "a", 0), "t", FAR_S)

    opened(store, "c", size=2, origin="starter", document=b"second")

    tally = store.chords.report(a_part("c", "b", 1), "t", FAR_S)
    assert Claim("c", "t", 2, 2, b"first") == tally.claim


def test_opening_a_chord_that_is_over_from_the_same_task_changes_nothing(store: Store) -> None:
    """It stays over."""
    claim = claimed(store, "c", origin="starter")
    store.chords.finish(claim, FAR_S)

    opened(store, "c", size=1, origin="starter")

    assert Tally(is_stored=True, ready=0) == store.chords.report(a_part("c", "member 0", 0), "t", FAR_S)
    assert store.chords.due() == []


def test_a_chord_that_is_over_begins_anew_where_it_is_opened_from_elsewhere(store: Store) -> None:
    """From its first part to its last; and its second body runs too."""
    first = claimed(store, "c", origin="one", run="first run")
    store.chords.begin_body("c", first.token, "first run")
    store.chords.finish(first, FAR_S)

    again = claimed(store, "c", origin="two", token="again", run="second run")

    assert again.is_takeover is False
    assert store.chords.begin_body("c", "again", "second run") is True
    assert store.chords.finish(again, FAR_S) is True


# -- how it ends -------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_chord_that_is_over(store: Store) -> None:
    """Neither parts, nor anything to look at."""
    claim = claimed(store, "c", members=5)

    assert store.chords.finish(claim, FAR_S) is True

    assert (results(store, "c"), store.chords.failed("c"), store.chords.due()) == ([], None, [])
    assert store.chords.claim("c", "another", FAR_S) is None


def test_a_part_that_comes_when_its_chord_is_over_is_ignored_and_its_record_stored(
    store: Store, a_record: AnyRecord
) -> None:
    """It does not begin the chord anew, and nobody is asked what the chord is."""
    store.chords.finish(claimed(store, "c"), FAR_S)

    def never() -> Opening:
        raise AssertionError("asked")

    late = a_part("c", "late", 1)
    tally = store.chords.report(late, "late", FAR_S, record=a_record("late"), opening=never)

    assert Tally(is_stored=True, ready=0) == tally
    assert store.get("late") is not None
    assert results(store, "c") == []


def test_size_and_members_of_a_chord_that_is_over_are_ignored(store: Store) -> None:
    """They come from somebody slow."""
    store.chords.finish(claimed(store, "c"), FAR_S)

    store.chords.set_size("c", 1)
    store.chords.add("c", "x")

    assert store.chords.due() == []
    assert store.chords.report(a_part("c", "member 0", 0), "t", FAR_S).claim is None


@pytest.mark.parametrize("is_size", [True, False])
def test_what_is_said_of_a_group_that_is_no_chord_is_not_looked_at(store: Store, is_size: bool) -> None:
    """Celery tells the size of each group within a header."""
    if is_size:
        store.chords.set_size("g", 3)
    else:
        store.chords.add("g", "x")

    assert store.chords.due() == []
    assert store.chords.claim("g", "housekeeper", FAR_S) is None
    assert store.chords.due() == []


@pytest.fixture
def given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of a chord that nobody opens is due at once, and not in a day."""
    for engine in ("postgresql", "sqlite"):
        monkeypatch.setattr(f"rootcellar.stores.{engine}_ledger.BODY_MARK_S", -1.0)


@pytest.mark.usefixtures("given_up_at_once")
@pytest.mark.parametrize("size", [0, 3, None])
def test_sql_drops_a_group_that_is_no_chord_when_it_is_due(
    sql_store: Store, sql_url: str, execute: Callable[..., list[tuple[object]]], size: int | None
) -> None:
    """Once a day is over; a chord begun meanwhile stays."""
    for chord_id in ("group", "opened", "reported"):
        if size is not None:
            sql_store.chords.set_size(chord_id, size)
        sql_store.chords.add(chord_id, "x")
    sql_store.chords.open("opened", Opening())
    sql_store.chords.report(a_part("reported", "a", 0), "t", FAR_S, opening=Opening)
    assert "group" in sql_store.chords.due()

    for chord_id in ("group", "opened", "reported"):
        sql_store.chords.claim(chord_id, "housekeeper", FAR_S)

    rows = execute(sql_url, "SELECT id FROM cellar_chord ORDER BY id")
    assert [tuple(row) for row in rows] == [("opened",), ("reported",)]


def test_sql_keeps_what_is_said_of_a_chord_until_it_is_due(sql_store: Store) -> None:
    """Its first part may be on the way, and with it what is known of it."""
    sql_store.chords.set_size("c", 1)
    assert sql_store.chords.claim("c", "housekeeper", FAR_S) is None

    assert sql_store.chords.report(a_part("c", "a", 0), "t", FAR_S, opening=Opening).claim is not None


def test_sql_purges_marks_when_their_time_is_over(
    sql_store: Store, sql_url: str, execute: Callable[..., list[tuple[object]]]
) -> None:
    """In batches, and with nothing left behind; what is not over stays."""
    for number in range(25):
        sql_store.chords.finish(claimed(sql_store, str(number)), -1)
    sql_store.chords.finish(claimed(sql_store, "kept"), FAR_S)
    claimed(sql_store, "open")

    assert sql_store.chords.report(a_part("kept", "late", 1), "t", FAR_S).ready == 0
    assert list(sql_store.purge(batch=10)) == [10, 10, 5]
    assert [tuple(row) for row in execute(sql_url, "SELECT count(*) FROM cellar_chord")] == [(2,)]
    assert [tuple(row) for row in execute(sql_url, "SELECT chord_id FROM cellar_chord_part")] == [("open",)]
