"""The diagnosis: what explains a symptom, what else was found, and what was looked at."""

from dataclasses import dataclass, field
from enum import StrEnum

from rootcellar.specialist.doctor.symptoms import Symptom
from rootcellar.specialist.profile import Place


class Proof(StrEnum):
    """How sure a cause is. They are ordered, the surest first."""

    #: it was seen live
    SEEN = "seen"
    #: a rule of severity ``warning`` or ``error`` found it in the project
    FOUND = "found"
    #: it can contribute, and nothing says that it does
    POSSIBLE = "possible"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return list(Proof).index(self)


class Outcome(StrEnum):
    """What came of looking at a suspect."""

    EXPLAINS = "explains"
    POSSIBLE = "possible"
    CLEARED = "cleared"
    NOT_EXAMINED = "not-examined"


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that explains the symptom, or may. No text in it holds a secret."""

    #: a rule's id, or an examination's name
    suspect: str
    title: str
    proof: Proof
    #: how it comes to the symptom
    why: str
    #: what was seen or found
    evidence: str
    mend: str
    #: target of the app; empty: none
    app: str = ""
    place: Place | None = None
    #: place in the symptom's table, and among the findings of one rule
    order: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Looked:
    """A suspect that was looked at, or could not be; ``said`` is what was seen, or why not."""

    suspect: str
    title: str
    outcome: Outcome
    said: str = ""
    app: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`rootcellar.specialist.doctor.diagnose` found."""

    symptom: Symptom
    #: targets of the apps that were looked at
    apps: tuple[str, ...]
    #: all causes, the one that explains the symptom best first
    causes: tuple[Cause, ...]
    looked: tuple[Looked, ...]
    notes: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def explanation(self) -> Cause | None:
        """The cause that explains the symptom; ``None``: nothing was found that does."""
        return next((one for one in self.causes if one.proof is not Proof.POSSIBLE), None)

    @property
    def others(self) -> tuple[Cause, ...]:
        """What else was found that would explain it."""
        return tuple(one for one in self.causes if one.proof is not Proof.POSSIBLE and one is not self.explanation)

    @property
    def possible(self) -> tuple[Cause, ...]:
        """What may contribute."""
        return tuple(one for one in self.causes if one.proof is Proof.POSSIBLE)
