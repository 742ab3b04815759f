"""The engine: a kind of place where results can lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Driver:
    """Packages (normalised names, as in requirements) any one of which talks to the engine, and how to install one.

    ``schemes`` limits it to URLs that begin so; empty: all of the engine's. A URL for which several drivers hold needs
    one package of each: SQLAlchemy and what it talks to the database with.
    """

    packages: tuple[str, ...]
    #: an extra of Celery that brings it: ``redis``; empty if none does
    extra: str
    install: str
    schemes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an engine can and cannot do. Version specifiers (PEP 440) say for which Celery; empty: for none.

    A word that is empty cannot be said of the engine as a whole.
    """

    #: ``notified`` (the store tells the waiter) or ``polled``
    waiting: str
    #: ``native``, ``polled`` (a ``chord_unlock`` task) or ``none``
    chords: str
    #: whether a result may be read by another process than the one that sent the task
    is_shared: bool = True
    #: whether a result may be read more than once
    is_reread: bool = True
    #: who deletes expired results: ``server``, ``cleanup`` (celery.backend_cleanup) or ``nobody``
    expiry: str = "server"
    #: whether results outlive a restart of the server: ``yes``, ``depends`` (on its configuration) or ``no``
    durable: str = "depends"
    #: Celery versions that compress with ``result_compression``
    compresses: str = ""
    #: Celery versions that pickle results, whatever the serializer
    pickles: str = ""
    #: whether a process outside a forked worker opens a connection for each call
    connects_per_call: bool = False
    #: whether values go through ``result_serializer``
    serializes: bool = True
    #: Celery versions in which nothing stored later replaces a SUCCESS, such as that of a second run of the task
    success_is_final: str = ""
    #: Celery versions that repeat an operation that failed with ``result_backend_always_retry``
    retries: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """One row."""

    name: str
    label: str
    #: ``celery``, ``django-celery-results``, ``rootcellar``, or empty for ``unknown``
    owner: str
    #: what stands before ``://``; one that ends with ``+`` is a beginning (``db+``); a bare name (``rpc``) counts too
    schemes: tuple[str, ...]
    examples: tuple[str, ...]
    abilities: Abilities
    #: setting → Celery versions that honour it with this engine
    settings: Mapping[str, str] = field(default_factory=dict)
    drivers: tuple[Driver, ...] = ()
    #: what a server of it is called in :class:`rootcellar.specialist.profile.Server`; empty: none, or by the URL
    server: str = ""
    sources: tuple[str, ...] = ()
    #: key of ``result_backend_transport_options`` → Celery versions that honour it
    transport_options: Mapping[str, str] = field(default_factory=dict)
    #: classes that ``result_backend`` may name instead of a URL: ``celery.backends.rpc.RPCBackend``
    classes: tuple[str, ...] = ()
    #: setting or ability → what is to be known about it, a sentence
    notes: Mapping[str, str] = field(default_factory=dict)
