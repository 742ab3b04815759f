"""The comment: ``# rootcellar: ignore[RC204] why``, written into a project's file."""

from dataclasses import dataclass

from rootcellar.specialist.profile import Place


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment that begins with ``rootcellar:``, and what became of it."""

    place: Place
    #: ``ignore``, ``ignore-file``, or empty: neither of them
    verb: str
    #: what stands between the brackets, of what names a rule or rules: ``RC204``, ``RC2``, ``security``
    selectors: tuple[str, ...] = ()
    #: what stands there and names no rule, if it can be shown; else ``…``
    unknown: tuple[str, ...] = ()
    #: the nearest selector that exists, in the order of ``unknown``; empty where none is near
    nearest: tuple[str, ...] = ()
    has_reason: bool = False
    #: the line it is about; 0: the whole file
    covers: int = 0
    #: of ``selectors``, those that ignored nothing though all of their rules ran
    unused: tuple[str, ...] = ()
