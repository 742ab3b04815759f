"""Services: the processes a project runs, and the servers it talks to, by its compose files, manifests and the like."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rootcellar.specialist.profile.env_file import Variable
from rootcellar.specialist.profile.place import Place


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: ``host`` is the address it is bound to, empty for all of them."""

    host: str
    published: str
    target: str
    place: Place


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the project's own code."""

    name: str
    place: Place
    #: ``worker``, ``beat`` (also ``worker -B``, then ``has_beat`` too), ``flower``, ``web``, ``other``
    role: str
    #: its command line, split; secrets may be in it
    command: tuple[str, ...] = field(default=(), repr=False)
    #: the file it stands in: ``compose``, ``kubernetes``, ``helm``, ``procfile``, ``dockerfile``, ``supervisor``,
    #: ``systemd``, ``script``
    origin: str = ""
    has_beat: bool = False
    #: ``-A``; empty if it has none
    app: str = ""
    pool: str = ""
    concurrency: int | None = None
    replicas: int = 1
    environment: tuple[Variable, ...] = field(default=(), repr=False)
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the project: a service of a compose file or manifest, or a configuration file of one."""

    #: the service's name, which is its host name there; for a configuration file its path
    name: str
    place: Place
    #: ``redis`` (also Valkey), ``sentinel``, ``postgresql``, ``mysql`` (also MariaDB), ``mongodb``, ``rabbitmq``,
    #: ``memcached``, ``pgbouncer``
    kind: str
    origin: str = ""
    image: str = ""
    #: by the image's tag; empty if it says none
    version: str = ""
    #: the server's own options, lower-case, by the names of its configuration file or command line:
    #: ``maxmemory-policy``, ``appendonly``, ``save``, ``requirepass``, ``max_connections``, ``pool_mode``
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    option_places: Mapping[str, Place] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    #: whether something lasting is mounted where it keeps its data; ``None``: not a container
    has_volume: bool | None = None
    environment: tuple[Variable, ...] = field(default=(), repr=False)
    #: further host names it can be reached by: a container's name, a network alias, the names of Kubernetes services
    aliases: tuple[str, ...] = ()
    #: where ``image`` stands; ``None``: it is no container, or its image is that of a Dockerfile
    image_place: Place | None = None

    def is_called(self, host: str) -> bool:
        """Whether that is one of its names on its network."""
        return host in (self.name, *self.aliases)
