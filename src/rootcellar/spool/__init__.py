"""The spool: a local, durable buffer for finished records while the store is away."""

from rootcellar.spool.delivery import Delivery, attempt, deliver
from rootcellar.spool.entry import Depth, Entry, Refusal
from rootcellar.spool.file import Spool
from rootcellar.spool.ledger import SpooledLedger
from rootcellar.spool.observers import SpoolReport, observe
from rootcellar.spool.retry import retrying
from rootcellar.spool.store import SpooledStore

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
