"""The spool: a local, durable buffer for finished records while the store is away.

Its names are imported when they are asked for: a process that never sees an outage needs :class:`SpooledStore` alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rootcellar.spool.delivery import Delivery, attempt, deliver
    from rootcellar.spool.entry import Depth, Entry, Refusal
    from rootcellar.spool.file import Spool
    from rootcellar.spool.ledger import SpooledLedger
    from rootcellar.spool.observers import SpoolReport, observe
    from rootcellar.spool.retry import retrying
    from rootcellar.spool.store import SpooledStore

_MODULES = {
    "Delivery": "delivery",
    "Depth": "entry",
    "Entry": "entry",
    "Refusal": "entry",
    "Spool": "file",
    "SpoolReport": "observers",
    "SpooledLedger": "ledger",
    "SpooledStore": "store",
    "attempt": "delivery",
    "deliver": "delivery",
    "observe": "observers",
    "retrying": "retry",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


__all__ = [
    "Delivery",
    "Depth",
    "Entry",
    "Refusal",
    "Spool",
    "SpoolReport",
    "SpooledLedger",
    "SpooledStore",
    "attempt",
    "deliver",
    "observe",
    "retrying",
]
