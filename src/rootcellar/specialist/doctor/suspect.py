"""The suspect: a cause that may explain a symptom, and what an examination of it answers.

A suspect is the id of a rule of ``rootcellar check``, which explains the symptom if it finds something, or the name of
an *examination*: a function that looks at something live. Its module registers it::

    @examination("store-away", "The result store does not answer", needs=("store",))
    def store_away(case: Case) -> Answer:
        ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rootcellar.specialist.profile import Place

if TYPE_CHECKING:
    from rootcellar.specialist.doctor.case import Case


@dataclass(frozen=True, slots=True)
class Explains:
    """It is the cause: what was seen, and what to do. Neither holds a secret."""

    evidence: str
    mend: str
    #: ``False``: it can be the cause, and what was seen does not prove that it is
    is_certain: bool = True
    #: the setting that it is about, where there is one in the project's files
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """It is not the cause: what was seen."""

    seen: str


@dataclass(frozen=True, slots=True)
class NotExamined:
    """It could not be looked at: why, and how it can be."""

    why: str


Answer: TypeAlias = Explains | Cleared | NotExamined
Look: TypeAlias = "Callable[[Case], Answer]"

#: What an examination may need: an answer of the result ``store``, one of the broker (``fleet``), one of a worker at
#: least (``workers``), what the store's server says of itself (``facts``), the id of a ``task``.
NEEDS = ("store", "fleet", "workers", "facts", "task")


@dataclass(frozen=True, slots=True)
class Examination:
    """Something live that is looked at. ``patience``: how many times the time-out it may take."""

    name: str
    title: str
    look: Look
    needs: tuple[str, ...] = ()
    #: what it can do without, and does not ask for itself
    wants: tuple[str, ...] = ()
    patience: float = 2.0


@dataclass(frozen=True, slots=True)
class Suspect:
    """A rule's id or an examination's name, and, in one sentence, how it comes to the symptom."""

    name: str
    why: str
    #: what it finds bears on the symptom only now and then: it may contribute, and is never the explanation
    is_weak: bool = False

    @property
    def is_rule(self) -> bool:
        """Whether it is a rule."""
        return self.name.startswith("RC")


#: name → examination, of all that are registered so far; :func:`rootcellar.specialist.doctor.symptoms.examinations`
#: registers all of them
REGISTERED: dict[str, Examination] = {}


def examination(
    name: str, title: str, *, needs: tuple[str, ...] = (), wants: tuple[str, ...] = (), patience: float = 2.0
) -> Callable[[Look], Look]:
    """Register a function that examines a case."""

    def register(look: Look) -> Look:
        if name in REGISTERED:
            raise ValueError(f"two examinations are called {name}")
        REGISTERED[name] = Examination(name, title, look, needs, wants, patience)
        return look

    return register
