"""The package: something the project requires, locks or has installed."""

from dataclasses import dataclass

from rootcellar.specialist.profile.place import Place


@dataclass(frozen=True, slots=True)
class Package:
    """``name`` is normalised (PEP 503); ``specifier`` as written (``>=5.3,<6``), or empty."""

    name: str
    place: Place
    #: ``requirement``, ``lock`` or ``installed``
    origin: str
    specifier: str = ""
    #: an exact version: locked, installed, or required with ``==``; empty otherwise
    version: str = ""
    extras: tuple[str, ...] = ()
    #: the folder whose code it is for, relative to the project's root
    root: str = ""
    #: only for development or tests (a group, ``requirements-dev.txt``)
    is_for_development: bool = False
