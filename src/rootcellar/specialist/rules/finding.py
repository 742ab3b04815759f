"""The finding: one place that breaks a rule."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from rootcellar.specialist.profile import Place


class Severity(StrEnum):
    """How bad it is. They are ordered: :attr:`rank`."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for ``info``, 2 for ``error``."""
        return list(Severity).index(self)


class Group(StrEnum):
    """What a rule is about."""

    SECURITY = "security"
    CORRECTNESS = "correctness"
    DURABILITY = "durability"
    PERFORMANCE = "performance"
    COMPATIBILITY = "compatibility"


@dataclass(frozen=True, slots=True)
class Edit:
    """A safe automatic mend: ``specialist/mending`` carries it out, or refuses where it is not sure.

    ``action`` is

    - ``set``: ``setting``, to ``value``, which is Python source. If it stands in ``place`` or in the same block,
      mapping or call, that is changed; else it is added behind the setting in ``place``, in the same manner;
    - ``remove``: ``setting``, which stands in ``place``;
    - ``rename``: ``setting``, which stands in ``place``, to ``value``;
    - ``replace``: in the line of ``place``, which is no Python, the text ``setting``, which stands there once, by
      ``value``;
    - ``append_line``: ``value``, to the file of ``place``, which may not exist yet.

    Settings are meant by Celery's lower-case names: ``CELERY_RESULT_EXPIRES`` is ``result_expires`` in an app with the
    namespace ``CELERY``, and so is the new name it is given. A new name with a capital is written as it is.
    """

    action: str
    place: Place
    setting: str = ""
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """A place that breaks a rule. ``message`` is one or two sentences, without a secret, that name what is there."""

    rule: str
    message: str
    place: Place
    #: target of the app concerned; empty if it is no app's
    app: str = ""
    #: what to do here, where the rule's own text can be made more precise
    mend: str = ""
    edit: Edit | None = None
    #: filled in by the runner
    severity: Severity = Severity.WARNING
    #: live findings only: what the server said
    evidence: str = ""
    #: places that have to do with it
    related: tuple[Place, ...] = field(default=())

    def of(self, rule: str, severity: Severity) -> "Finding":
        """Return the same as a finding of ``rule``."""
        return replace(self, rule=rule, severity=severity)
