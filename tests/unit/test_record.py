"""The record, and the rule that merges two records of one task."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootcellar.errors import InvalidRecord, RootcellarError
from rootcellar.record import FINAL_STATES, MAX_ID_LENGTH, Record, check_id, merge, rank

STATES = ("PENDING", "RECEIVED", "STARTED", "RETRY", "PROGRESS", "FAILURE", "REVOKED", "SUCCESS")

records = st.builds(Record, st.just("a"), st.sampled_from(STATES) | st.text(min_size=1), st.binary())


def merged(arrivals: Sequence[Record]) -> Record | None:
    """Merge records in the order they arrive."""
    kept = None
    for record in arrivals:
        kept = merge(kept, record)
    return kept


@pytest.mark.parametrize("state", STATES)
def test_the_first_record_of_a_task_is_kept(state: str) -> None:
    """Where nothing lies, whatever arrives is what lies there."""
    record = Record("a", state, b"")

    assert record is merge(None, record)


@pytest.mark.parametrize(("kept", "arriving"), list(itertools.product(STATES, STATES)))
def test_a_state_gives_way_to_one_that_has_come_as_far(kept: str, arriving: str) -> None:
    """And never to one that has come less far; a SUCCESS gives way to nothing."""
    old, new = Record("a", kept, b"1"), Record("a", arriving, b"2")
    order = [{"PENDING"}, {"RECEIVED", "STARTED", "RETRY", "PROGRESS"}, {"FAILURE", "REVOKED"}, {"SUCCESS"}]
    (before,) = (number for number, states in enumerate(order) if kept in states)
    (after,) = (number for number, states in enumerate(order) if arriving in states)

    assert (new if after >= before and kept != "SUCCESS" else old) is merge(old, new)


@given(st.lists(records, min_size=1))
def test_the_state_of_a_task_never_goes_back(arrivals: list[Record]) -> None:
    """Whatever arrives, in whatever order."""
    ranks = [rank(merged(arrivals[:number]).state) for number in range(1, len(arrivals) + 1)]  # type: ignore[union-attr]

    assert sorted(ranks) == ranks


@given(st.lists(records, min_size=1))
def test_what_is_kept_is_the_first_success_or_else_the_last_that_has_come_furthest(arrivals: list[Record]) -> None:
    """The rule, for any number of arrivals in any order."""
    furthest = max(rank(record.state) for record in arrivals)
    candidates = [record for record in arrivals if rank(record.state) == furthest]

    assert (candidates[0] if candidates[0].state == "SUCCESS" else candidates[-1]) is merged(arrivals)


@given(records, records)
def test_merging_the_same_record_again_changes_nothing(kept: Record, arriving: Record) -> None:
    """A put that is repeated because its answer was lost does no harm."""
    once = merge(kept, arriving)

    assert once == merge(once, arriving)


@given(st.lists(records, min_size=1), st.lists(records))
def test_once_a_success_lies_there_nothing_that_follows_matters(before: list[Record], after: list[Record]) -> None:
    """A late duplicate cannot change what somebody may have read."""
    done = Record("a", "SUCCESS", b"done")

    assert merged([*before, done]) is merged([*before, done, *after])


def test_only_the_three_states_that_end_a_task_are_final() -> None:
    """A custom state never ends a task."""
    assert {"SUCCESS", "FAILURE", "REVOKED"} == {state for state in STATES if Record("a", state, b"").is_final}
    assert {"SUCCESS", "FAILURE", "REVOKED"} == FINAL_STATES


def test_a_record_in_a_log_does_not_show_what_the_task_returned() -> None:
    """The payload may hold anything."""
    assert repr(Record("a", "SUCCESS", b"secret", name="secret")) == "<Record a SUCCESS 6 bytes>"


@pytest.mark.parametrize("good", ["a", "x" * MAX_ID_LENGTH, "it's", 'a"b', "back\\slash", "наряд", "🥕" * 255, " "])
def test_an_id_that_fits_every_engine_is_returned_as_it_is(good: str) -> None:
    """Quotes, backslashes and other scripts are nobody's problem."""
    assert good == check_id(good)


def test_an_id_may_be_given_as_bytes_or_as_an_object() -> None:
    """As Celery allows."""
    assert check_id("é".encode()) == "é"
    assert check_id(42) == "42"


@pytest.mark.parametrize("bad", ["", None, b"", "x" * (MAX_ID_LENGTH + 1), "a\0b", b"a\0b"])
def test_an_id_that_some_engine_could_not_keep_is_refused(bad: object) -> None:
    """In one paragraph, as an error of ours and as a ValueError."""
    with pytest.raises(InvalidRecord) as caught:
        check_id(bad)

    assert isinstance(caught.value, RootcellarError)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
    assert "task_id=" in str(caught.value)


def test_an_id_with_half_a_surrogate_pair_is_refused() -> None:
    """No engine can encode it as UTF-8, so it must not reach one."""
    with pytest.raises(InvalidRecord):
        check_id("a\ud800")


def test_an_id_of_the_wrong_kind_is_named_for_what_it_is() -> None:
    """Group ids go the same way as task ids."""
    with pytest.raises(InvalidRecord, match="The group id '' cannot be stored"):
        check_id("", "group id")
