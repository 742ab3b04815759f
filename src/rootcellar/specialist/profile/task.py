"""The task: a function that Celery runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rootcellar.specialist.profile.place import Place
from rootcellar.specialist.profile.value import Value


@dataclass(frozen=True, slots=True)
class Returned:
    """One ``return`` of a task. ``kind`` is what it visibly returns, by full dotted name.

    ``None``, ``builtins.dict``, ``builtins.set``, ``datetime.datetime``, ``decimal.Decimal``; for a model
    ``django.model`` or ``django.queryset``, for a class of the project its dotted name; ``unknown`` otherwise. For a
    ``dict``, ``list`` or ``tuple`` display, ``inside`` names the kinds in it, at any depth.
    """

    kind: str
    place: Place
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task. ``name`` is the one Celery gives it."""

    name: str
    #: dotted name of the function or class
    function: str
    place: Place
    #: target of the app whose decorator made it; empty for ``shared_task`` and class-based ones
    app: str = ""
    #: keyword arguments of the decorator (or attributes of the class), by name
    options: Mapping[str, Value] = field(default_factory=dict)
    #: keyword → where it stands
    option_places: Mapping[str, Place] = field(default_factory=dict)
    returns: tuple[Returned, ...] = ()

    @property
    def ignores_result(self) -> bool | None:
        """``ignore_result`` of its own; ``None`` where it leaves that to the app's ``task_ignore_result``."""
        option = self.options.get("ignore_result")
        return option.data if option is not None and isinstance(option.data, bool) else None
