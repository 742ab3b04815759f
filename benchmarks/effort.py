"""How much is measured: enough for a stable figure, or just enough to see that everything runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Counts and time boxes of one run."""

    #: how often each side has its turn at storing and at getting. Many short turns rather than few long ones: whether
    #: client and server share a core changes from second to second, and doubles or halves the figures of both sides
    rounds: int
    #: how long such a turn takes, in seconds
    turn_s: float
    group_rounds: int
    group_size: int
    #: a side gets no further turn at the group once it has spent this long on it
    group_budget_s: float
    wake_ups: int
    any_wake_ups: int
    writer_rounds: int
    writer_turn_s: float
    import_rounds: int
    calls: int
    called_group_size: int
    called_group_rounds: int
    called_chord_size: int
    called_chord_rounds: int
    async_waiters: int


FULL = Effort(
    rounds=15,
    turn_s=0.12,
    group_rounds=7,
    group_size=500,
    group_budget_s=4.0,
    wake_ups=12,
    any_wake_ups=8,
    writer_rounds=18,
    writer_turn_s=0.25,
    import_rounds=7,
    calls=40,
    called_group_size=500,
    called_group_rounds=5,
    called_chord_size=200,
    called_chord_rounds=9,
    async_waiters=10_000,
)

QUICK = Effort(
    rounds=1,
    turn_s=0.05,
    group_rounds=1,
    group_size=50,
    group_budget_s=0.0,
    wake_ups=2,
    any_wake_ups=1,
    writer_rounds=2,
    writer_turn_s=0.2,
    import_rounds=1,
    calls=3,
    called_group_size=20,
    called_group_rounds=1,
    called_chord_size=10,
    called_chord_rounds=1,
    async_waiters=300,
)
