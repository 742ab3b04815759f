"""The environment: what a project's env files, compose files and manifests say of a variable."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from rootcellar.specialist.profile import EnvFile, Place, Process, Variable

#: Folders that hold the env files of code that lies elsewhere.
_DEPLOYMENT = frozenset(
    {
        "compose", "conf", "config", "configs", "configuration", "deploy", "deployment", "docker", "env", "envs",
        "environment", "environments", "etc", "infra", "infrastructure", "ops", "secrets", "settings",
    }
)  # fmt: skip
_ROLES = ("worker", "beat", "web", "other", "flower")


class Environment:
    """Variables by name. A real ``.env`` comes before ``.env.*``, those before what processes are started with.

    Example files never count. Of several files, the one nearest above the code that asks comes first; a file in a
    folder beside it does not count, unless that folder is one for deployment.
    """

    def __init__(self, files: Sequence[EnvFile] = (), processes: Sequence[Process] = ()) -> None:
        self._files: dict[str, list[tuple[EnvFile, Variable]]] = {}
        self._processes: dict[str, list[tuple[Process, Variable]]] = {}
        for file in sorted(files, key=_file_order):
            for variable in file.variables if not file.is_example else ():
                self._files.setdefault(variable.name, []).append((file, variable))
        for process in sorted(processes, key=_process_order):
            for variable in process.environment:
                self._processes.setdefault(variable.name, []).append((process, variable))

    def get(self, name: str, near: str = "") -> tuple[str, Place] | None:
        """Return a variable's value and where it is written; ``None`` if nothing says it.

        ``near`` is the path of the code that reads it.
        """
        return self._in_files(name, near) or self.of_processes(name, near)

    def of_processes(self, name: str, near: str = "") -> tuple[str, Place] | None:
        """Return what the processes, workers first, are started with: the environment proper, env files left out."""
        found = self._processes.get(name, [])
        if near and len({process.app.partition(":")[0] for process, _ in found if process.app}) > 1:
            own = [pair for pair in found if _runs(pair[0], near)]
            found = own or [pair for pair in found if not pair[0].app]
        return (found[0][1].value, found[0][1].place) if found else None

    def of_files(self, name: str, near: str = "") -> tuple[str, Place] | None:
        """Return what the env files say."""
        return self._in_files(name, near)

    def _in_files(self, name: str, near: str) -> tuple[str, Place] | None:
        ranked = [(_rank(file.path, near), n, variable) for n, (file, variable) in enumerate(self._files.get(name, []))]
        fitting = [(rank, n, variable) for rank, n, variable in ranked if rank is not None]
        if not fitting:
            return None
        variable = min(fitting, key=lambda one: one[:2])[2]
        return variable.value, variable.place

    def names(self) -> Iterator[str]:
        """Yield every variable's name."""
        yield from dict.fromkeys([*self._files, *self._processes])


def _file_order(file: EnvFile) -> tuple[bool, bool, str]:
    name = PurePosixPath(file.path).name
    is_other = any(word in name for word in ("test", "local", "dev"))
    return name != ".env", is_other, file.path


def _process_order(process: Process) -> tuple[int, Place]:
    return _ROLES.index(process.role) if process.role in _ROLES else len(_ROLES), process.place


def _rank(path: str, near: str) -> int | None:
    """How far an env file is from the code; ``None``: it is not for it."""
    folder = path.rpartition("/")[0]
    if not near or not folder or near.startswith(folder + "/"):
        return near.count("/") - (folder.count("/") + 1 if folder else 0)
    parts = folder.split("/")
    above = next((n for n in range(len(parts), 0, -1) if near.startswith("/".join(parts[:n]) + "/")), 0)
    if any(part.lstrip(".").lower() in _DEPLOYMENT for part in parts[above:]):
        return 1000
    return None


def _runs(process: Process, near: str) -> bool:
    top = process.app.partition(":")[0].partition(".")[0]
    return bool(top) and top in near.removesuffix(".py").split("/")
