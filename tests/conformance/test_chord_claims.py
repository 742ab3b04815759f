"""Who may send a chord's body, and until when, on every engine. The races are in test_chord_races.py."""

import time

import pytest

from chords import FAR_S, SHORT_S, a_part, claimed, opened, results
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Claim, Opening
from servers import wait_until


def became_due(store: Store, chord_id: str) -> None:
    wait_until(lambda: chord_id in store.chords.due(), f"{chord_id} is due")


def taken_over(store: Store, chord_id: str, token: str) -> Claim:
    """Try until the lease is over. The server's clock says when, and it need not be the one that says what is due."""
    return wait_until(lambda: store.chords.claim(chord_id, token, FAR_S), f"{chord_id} can be claimed")


# -- who is given it ---------------------------------------------------------------------------------------------------


def test_whoever_reports_the_last_part_is_given_the_claim(store: Store) -> None:
    """With all that is needed to send the body."""
    opened(store, "c", size=2, document=b"document \x00\xff")

    assert store.chords.report(a_part("c", "b", 1), "t1", FAR_S).claim is None
    last = store.chords.report(a_part("c", "a", 0), "t2", FAR_S)

    assert Claim("c", "t2", 2, 2, b"document \x00\xff") == last.claim


def test_a_chord_nothing_could_be_kept_of_is_claimed_all_the_same(store: Store) -> None:
    """Its body could not be encoded; whoever reports the last part has it in its message."""
    opened(store, "c", size=1, document=None)

    assert Claim("c", "t", 1, 1, None) == store.chords.report(a_part("c", "a", 0), "t", FAR_S).claim


def test_nobody_else_is_given_a_claim_while_its_lease_lasts(store: Store) -> None:
    """Neither for a duplicate of the last part, nor for housekeeping."""
    claimed(store, "c", members=2)

    assert store.chords.report(a_part("c", "member 1", 1), "duplicate", FAR_S).claim is None
    assert store.chords.due() == []
    assert store.chords.claim("c", "housekeeper", FAR_S) is None


def test_a_chord_whose_size_becomes_known_last_is_due_at_once(store: Store) -> None:
    """Nobody has reported the last part knowing that it was."""
    opened(store, "c")
    for number in range(2):
        assert store.chords.report(a_part("c", str(number), number), "t", FAR_S).claim is None
    assert store.chords.due() == []

    store.chords.set_size("c", 2)

    assert store.chords.due() == ["c"]
    assert Claim("c", "housekeeper", 2, 2, b"document") == store.chords.claim("c", "housekeeper", FAR_S)
    assert store.chords.due() == []


def test_a_duplicate_may_be_given_a_claim_nobody_has_had(store: Store) -> None:
    """The size became known meanwhile."""
    opened(store, "c")
    store.chords.report(a_part("c", "a", 0), "t1", FAR_S)
    store.chords.set_size("c", 1)

    assert Claim("c", "t2", 1, 1, b"document") == store.chords.report(a_part("c", "a", 0), "t2", FAR_S).claim


def test_a_chord_that_is_due_and_not_complete_is_put_off(store: Store) -> None:
    """A member was added after it had been complete."""
    opened(store, "c")
    store.chords.report(a_part("c", "a", 0), "t", FAR_S)
    store.chords.set_size("c", 1)
    store.chords.add("c", "x")
    assert store.chords.due() == ["c"]

    assert store.chords.claim("c", "housekeeper", FAR_S) is None

    assert store.chords.due() == []
    assert store.chords.report(a_part("c", "b", 1), "last", FAR_S).claim is not None


# -- leases ------------------------------------------------------------------------------------------------------------


def test_a_housekeeper_takes_over_when_the_lease_is_over(store: Store) -> None:
    """Whoever had it may have died; what it does from then on is refused."""
    first = claimed(store, "c", members=2, lease_s=SHORT_S)

    second = taken_over(store, "c", "second")

    assert Claim("c", "second", 2, 2, b"document", is_takeover=True) == second
    assert store.chords.claim("c", "third", FAR_S) is None
    assert store.chords.renew(first, FAR_S) is False
    store.chords.release(first, 0.0)
    assert store.chords.due() == []
    assert store.chords.finish(first, FAR_S) is False
    assert len(results(store, "c")) == 2
    assert store.chords.finish(second, FAR_S) is True


def test_a_duplicate_of_the_last_part_takes_over_when_the_lease_is_over(store: Store) -> None:
    """The broker delivers a dead worker's message again, and that may be before the housekeeper looks."""
    claimed(store, "c", lease_s=SHORT_S)
    taken = wait_until(lambda: store.chords.report(a_part("c", "member 0", 0), "second", FAR_S).claim, "a takeover")

    assert Claim("c", "second", 1, 1, b"document", is_takeover=True) == taken
    assert store.chords.due() == []


def test_a_renewed_lease_lasts_longer(store: Store) -> None:
    """From now on, as long as it says."""
    claim = claimed(store, "c", lease_s=SHORT_S)
    became_due(store, "c")

    assert store.chords.renew(claim, FAR_S) is True

    assert store.chords.due() == []
    assert store.chords.claim("c", "another", FAR_S) is None
    assert store.chords.finish(claim, FAR_S) is True


def test_a_renewed_lease_ends_too(store: Store) -> None:
    """It may become shorter as well."""
    claim = claimed(store, "c")

    assert store.chords.renew(claim, SHORT_S) is True

    assert taken_over(store, "c", "another").is_takeover is True


def test_a_claim_that_is_given_back_is_due_again(store: Store) -> None:
    """After a while; whoever takes it is told that the body may have been sent."""
    claim = claimed(store, "c")

    store.chords.release(claim, SHORT_S)

    became_due(store, "c")
    assert Claim("c", "again", 1, 1, b"document", is_takeover=True) == taken_over(store, "c", "again")


@pytest.mark.parametrize("is_reported", [True, False])
def test_a_claim_that_is_given_back_is_left_alone_by_housekeepers_only(store: Store, is_reported: bool) -> None:
    """The broker was away. Whoever comes by itself gets it at once: it may be where the broker can be reached."""
    store.chords.release(claimed(store, "c"), FAR_S)
    assert store.chords.due() == []

    if is_reported:
        again = store.chords.report(a_part("c", "member 0", 0), "again", FAR_S).claim
    else:
        again = store.chords.claim("c", "again", FAR_S)

    assert Claim("c", "again", 1, 1, b"document", is_takeover=True) == again
    assert store.chords.claim("c", "another", FAR_S) is None


# -- chords that grow after they were complete -------------------------------------------------------------------------


def grown(store: Store, chord_id: str, how: str) -> None:
    """Let a chord of one member have two."""
    if how == "size":
        store.chords.set_size(chord_id, 2)
    else:
        store.chords.add(chord_id, "x")


@pytest.mark.parametrize("how", ["size", "add"])
@pytest.mark.parametrize("is_released", [True, False])
def test_a_chord_that_grew_after_it_was_claimed_is_claimed_by_its_last_part(
    store: Store, is_released: bool, how: str
) -> None:
    """The claim was given back, or its holder died; a housekeeper has looked meanwhile."""
    first = claimed(store, "c", lease_s=SHORT_S)
    if is_released:
        store.chords.release(first, SHORT_S)
    grown(store, "c", how)
    became_due(store, "c")

    def is_put_off() -> bool:
        assert store.chords.claim("c", "housekeeper", FAR_S) is None
        return store.chords.due() == []

    wait_until(is_put_off, "the chord is put off")
    last = store.chords.report(a_part("c", "last", 1), "last", FAR_S).claim

    assert Claim("c", "last", 2, 2, b"document", is_takeover=True) == last
    assert store.chords.claim("c", "housekeeper", FAR_S) is None


def test_a_chord_that_grew_while_it_is_claimed_is_due_when_the_lease_is_over(store: Store) -> None:
    """Its last part comes before that, and is not given what somebody else holds."""
    first = claimed(store, "c")
    grown(store, "c", "size")

    assert store.chords.report(a_part("c", "last", 1), "last", FAR_S).claim is None

    assert store.chords.renew(first, SHORT_S) is True
    became_due(store, "c")
    assert Claim("c", "next", 2, 2, b"document", is_takeover=True) == taken_over(store, "c", "next")


def test_a_chord_that_is_complete_again_by_its_size_is_due_at_once(store: Store) -> None:
    """It was claimed before, given back, and put off when it had grown."""
    store.chords.release(claimed(store, "c"), FAR_S)
    grown(store, "c", "size")
    assert store.chords.claim("c", "housekeeper", FAR_S) is None
    assert store.chords.due() == []

    store.chords.set_size("c", 1)

    assert store.chords.due() == ["c"]
    assert Claim("c", "next", 1, 1, b"document", is_takeover=True) == store.chords.claim("c", "next", FAR_S)


def test_a_chord_that_grew_is_not_given_to_who_asks_again(store: Store) -> None:
    """Under its own token: what it was told was true when it was told."""
    claimed(store, "c", token="t")
    grown(store, "c", "add")

    assert store.chords.report(a_part("c", "member 0", 0), "t", FAR_S).claim is None


# -- deadlines ---------------------------------------------------------------------------------------------------------


def test_a_chord_past_its_deadline_is_claimed_as_overdue(store: Store) -> None:
    """Some of its parts have come in; with size, and without."""
    for chord_id, size in (("sized", 3), ("unsized", None)):
        store.chords.open(chord_id, Opening(b"document", time.time() + SHORT_S))
        if size is not None:
            store.chords.set_size(chord_id, size)
        store.chords.report(a_part(chord_id, "a", 0), "t", FAR_S)
        became_due(store, chord_id)

        claim = store.chords.claim(chord_id, "housekeeper", FAR_S)

        assert Claim(chord_id, "housekeeper", 1, size, b"document", is_overdue=True) == claim
        assert chord_id not in store.chords.due()
        assert store.chords.claim(chord_id, "another", FAR_S) is None
        assert store.chords.finish(claim, FAR_S) is True


def test_a_chord_that_nobody_has_reported_to_is_overdue_too(store: Store) -> None:
    """Its members were lost, or revoked before they ran."""
    store.chords.open("c", Opening(b"document", time.time() - 1))

    assert store.chords.due() == ["c"]
    assert Claim("c", "t", 0, None, b"document", is_overdue=True) == store.chords.claim("c", "t", FAR_S)


def test_a_chord_that_completes_is_claimed_whatever_its_deadline(store: Store) -> None:
    """The deadline is for those that do not."""
    store.chords.open("c", Opening(b"document", time.time() - 1))
    store.chords.set_size("c", 1)

    claim = store.chords.report(a_part("c", "a", 0), "t", FAR_S).claim

    assert Claim("c", "t", 1, 1, b"document") == claim
    assert store.chords.due() == []


def test_a_chord_that_is_claimed_as_overdue_is_not_claimed_by_its_last_part(store: Store) -> None:
    """It ends with an error already."""
    store.chords.open("c", Opening(b"document", time.time() - 1))
    store.chords.set_size("c", 1)
    store.chords.claim("c", "housekeeper", FAR_S)

    assert store.chords.report(a_part("c", "a", 0), "late", FAR_S).claim is None


def test_chords_are_due_in_the_order_of_their_time_and_no_more_than_asked_for(store: Store) -> None:
    """Those whose time has not come are not named; nor those without one."""
    now = time.time()
    for seconds in (30, 10, 20, 40):
        store.chords.open(f"{seconds} s ago", Opening(None, now - seconds))
    store.chords.open("to come", Opening(None, now + FAR_S))
    store.chords.open("never", Opening(None, None))

    assert store.chords.due() == ["40 s ago", "30 s ago", "20 s ago", "10 s ago"]
    assert store.chords.due(2) == ["40 s ago", "30 s ago"]


# -- the body ----------------------------------------------------------------------------------------------------------


def test_of_two_bodies_one_may_run(store: Store) -> None:
    """That which arrives first, each time it arrives; also when the chord is over."""
    claimed(store, "c", token="first", lease_s=SHORT_S)
    second = taken_over(store, "c", "second")

    assert store.chords.begin_body("c", "first", None) is True
    assert store.chords.begin_body("c", "second", None) is False
    store.chords.finish(second, FAR_S)
    assert store.chords.begin_body("c", "second", None) is False
    assert store.chords.begin_body("c", "first", None) is True


def test_a_body_that_arrives_when_its_chord_is_over_may_run(store: Store) -> None:
    """The usual order: it is sent, the chord is finished, it arrives."""
    store.chords.finish(claimed(store, "c", token="t"), FAR_S)

    assert store.chords.begin_body("c", "t", None) is True
    assert store.chords.begin_body("c", "another", None) is False


@pytest.mark.parametrize("run", [None, "this"])
@pytest.mark.parametrize("is_over", [True, False])
def test_a_body_of_another_run_may_run_and_is_not_remembered(store: Store, run: str | None, is_over: bool) -> None:
    """Of an earlier one, as a rule: its message was slow. One body of this run may run all the same."""
    claim = claimed(store, "c", run=run)
    if is_over:
        store.chords.finish(claim, FAR_S)
    others = [other for other in (None, "this", "another") if other != run]

    assert [store.chords.begin_body("c", "other", other) for other in others] == [True, True]

    assert store.chords.begin_body("c", "first", run) is True
    assert store.chords.begin_body("c", "second", run) is False
    assert store.chords.begin_body("c", "first", run) is True
    assert [store.chords.begin_body("c", "second", other) for other in others] == [True, True]


def test_a_chord_is_not_finished_by_a_body_of_another_run(store: Store) -> None:
    """It was begun anew, and its own body has yet to be sent."""
    claimed(store, "c", token="old", run="old")
    assert store.chords.begin_body("c", "old", "old") is True
    opened(store, "c", size=1, run="new")
    assert store.chords.begin_body("c", "old", "old") is True

    assert store.chords.report(a_part("c", "a", 0), "new", SHORT_S).claim is not None
    assert store.chords.begin_body("c", "old", "old") is True
    assert taken_over(store, "c", "second").is_takeover is True

    assert store.chords.begin_body("c", "new", "new") is True
    assert store.chords.begin_body("c", "second", "new") is False


def test_the_run_that_a_report_told_counts(store: Store) -> None:
    """As that of an opening does; of several reports, that of the first."""
    store.chords.set_size("c", 2)
    for number in range(2):
        opening = Opening(b"told", None, None, f"run {number}")
        store.chords.report(a_part("c", str(number), number), "t", FAR_S, opening=lambda told=opening: told)  # type: ignore[misc]

    assert [store.chords.begin_body("c", token, "run 1") for token in ("x", "y")] == [True, True]
    assert [store.chords.begin_body("c", token, "run 0") for token in ("x", "y")] == [True, False]


def test_the_body_of_a_chord_nobody_knows_may_run(store: Store) -> None:
    """The store was emptied meanwhile; once too often is better than never."""
    assert [store.chords.begin_body("c", token, "run") for token in ("x", "y")] == [True, True]
    assert store.chords.begin_body("c", "t", None) is True


def test_a_chord_whose_body_has_begun_is_finished_instead_of_claimed(store: Store) -> None:
    """Whoever sent it died before it could say so."""
    claimed(store, "c", members=2, token="t", lease_s=SHORT_S)
    store.chords.begin_body("c", "t", None)
    became_due(store, "c")

    assert store.chords.claim("c", "housekeeper", FAR_S) is None

    assert (store.chords.due(), results(store, "c")) == ([], [])
    assert store.chords.report(a_part("c", "late", 2), "late", FAR_S).ready == 0
    assert store.chords.begin_body("c", "housekeeper", None) is False


def test_a_report_is_given_no_claim_on_a_chord_whose_body_has_begun(store: Store) -> None:
    """A duplicate of the last part comes when the lease is over: there is nothing left to send."""
    claimed(store, "c", token="t", lease_s=SHORT_S)
    store.chords.begin_body("c", "t", None)
    became_due(store, "c")

    assert store.chords.report(a_part("c", "member 0", 0), "second", FAR_S).claim is None
    assert store.chords.due() == ["c"]


# -- what a lost answer must not do ------------------------------------------------------------------------------------


def test_sql_gives_a_report_that_is_repeated_the_same_answer(sql_store: Store) -> None:
    """Its answer was lost with the connection, and the pool asks again: under the same token, so the claim is its."""
    opened(sql_store, "c", size=1)
    first = sql_store.chords.report(a_part("c", "a", 0), "t", FAR_S)

    assert first == sql_store.chords.report(a_part("c", "a", 0), "t", FAR_S)


def test_sql_gives_a_claim_that_is_repeated_the_same_answer(sql_store: Store) -> None:
    """As above; and a chord that was finished by it stays so."""
    sql_store.chords.open("c", Opening(b"document", time.time() - 1))
    claim = sql_store.chords.claim("c", "t", FAR_S)

    assert claim is not None
    assert claim == sql_store.chords.claim("c", "t", FAR_S)
    assert [sql_store.chords.finish(claim, FAR_S) for _ in range(2)] == [True, True]


def test_the_claim_of_an_earlier_run_ends_nothing(store: Store) -> None:
    """A frozen chord was applied again before whoever had sent its body could say so."""
    first = claimed(store, "c")
    opened(store, "c", size=1)

    assert store.chords.finish(first, FAR_S) is False
    assert store.chords.renew(first, FAR_S) is False
    assert store.chords.report(a_part("c", "a", 0), "second", FAR_S).claim is not None
