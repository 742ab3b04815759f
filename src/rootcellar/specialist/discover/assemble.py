"""Assembly: runs every reader over a project and puts what they found into one profile."""

from dataclasses import replace
from pathlib import Path

from rootcellar.errors import ConfigurationError
from rootcellar.specialist.discover.collecting import uncollected
from rootcellar.specialist.discover.configuration.apps import find_apps
from rootcellar.specialist.discover.configuration.django import installed_apps
from rootcellar.specialist.discover.configuration.environment import Environment
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.env_files import find_env_files
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.packaging.celery_version import versions_of
from rootcellar.specialist.discover.packaging.packages import find_packages
from rootcellar.specialist.discover.repository import Repository
from rootcellar.specialist.discover.results.flow.scan import Scan
from rootcellar.specialist.discover.services import compose, dockerfile, kubernetes, procfile, supervisor
from rootcellar.specialist.discover.services.server_files import find_servers
from rootcellar.specialist.discover.tree import tree_of
from rootcellar.specialist.engines import RELEASES
from rootcellar.specialist.profile import Package, Process, Profile, Server, Variable
from rootcellar.specialist.profile.profile import celery_at
from rootcellar.specialist.profile.secrets import secrets_of

#: package → framework
_FRAMEWORKS = {
    "django": "django",
    "flask": "flask",
    "fastapi": "fastapi",
    "starlette": "starlette",
    "aiohttp": "aiohttp",
    "sanic": "sanic",
    "litestar": "litestar",
    "djangorestframework": "django",
}


def profile_of(root: Path) -> Profile:
    """Read the project in the folder ``root``. Nothing of it is imported; what cannot be read is in ``unread``.

    Raises:
        ConfigurationError: ``root`` is no folder.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise ConfigurationError(f"{root}: {what}. Name the folder of a project; without one it is the current folder.")
    with uncollected():
        profile = _read(root)
    return replace(profile, secrets=secrets_of(profile))


def _read(root: Path) -> Profile:
    tree = tree_of(root)
    repository = Repository.at(root)
    env_files = find_env_files(tree, repository)
    packages = find_packages(tree)
    processes: list[Process] = []
    servers: list[Server] = find_servers(tree)
    literals: list[Variable] = []
    for reader in (compose.find_services, kubernetes.find_services, dockerfile.find, procfile.find, supervisor.find):
        found_processes, found_servers, found_literals = reader(tree)
        processes += found_processes
        servers += found_servers
        literals += found_literals
    modules = Modules(tree)
    evaluator = Evaluator(modules, Environment(env_files, processes))
    versions = versions_of(packages, RELEASES)
    apps, unread = find_apps(modules, evaluator, lambda path: celery_at(versions, path).version)
    scan = Scan(modules, evaluator, apps)
    return Profile(
        root=root,
        apps=tuple(sorted(apps, key=lambda one: one.place)),
        tasks=tuple(sorted(scan.tasks, key=lambda one: one.place)),
        uses=tuple(sorted(scan.uses, key=lambda one: one.place)),
        calls=tuple(sorted(scan.calls, key=lambda one: one.place)),
        packages=tuple(packages),
        env_files=tuple(env_files),
        processes=tuple(sorted(processes, key=lambda one: one.place)),
        servers=tuple(sorted(servers, key=lambda one: one.place)),
        frameworks=_frameworks(packages),
        installed_apps=installed_apps(modules, evaluator),
        celery=tuple(versions),
        literals=tuple(literals),
        unread=tuple(sorted({*tree.unread, *unread}, key=lambda one: one.place)),
        is_git=repository is not None,
        files=len(tree.paths),
    )


def _frameworks(packages: list[Package]) -> tuple[str, ...]:
    return tuple(sorted({_FRAMEWORKS[one.name] for one in packages if one.name in _FRAMEWORKS}))
