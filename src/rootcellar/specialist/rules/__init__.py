"""The rules of ``rootcellar check``: one function and one page each."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from rootcellar.specialist.rules.rule import REGISTERED, Rule


def all_rules() -> Mapping[str, Rule]:
    """Return every rule by its id, in the order of the ids. Every module of this package may register some."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return dict(sorted(REGISTERED.items()))
