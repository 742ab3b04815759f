"""The packages: what a project requires, has locked and has installed, from every file that says so."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from rootcellar.specialist.discover.packaging import lock_files, pyproject, requirements, setup_files
from rootcellar.specialist.discover.packaging.requirements import Found
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Package, Place, Unread

_READERS: dict[str, Callable[[Tree, str], Iterator[Found]]] = {
    "pyproject.toml": pyproject.read,
    "Pipfile": pyproject.read_pipfile,
    "setup.cfg": setup_files.read_cfg,
    "setup.py": setup_files.read_py,
    "poetry.lock": lock_files.read_toml,
    "uv.lock": lock_files.read_toml,
    "pdm.lock": lock_files.read_toml,
    "pylock.toml": lock_files.read_toml,
    "Pipfile.lock": lock_files.read_pipfile_lock,
    "environment.yml": lock_files.read_conda,
    "environment.yaml": lock_files.read_conda,
}

#: Characters of a version. Python takes no number of more than 4,300 digits.
_LONGEST_VERSION = 200


def find_packages(tree: Tree) -> list[Package]:
    """Return all packages, in the order of files and lines.

    One whose environment marker does not hold here is left out, unless a folder asks for the package in no other way.
    """
    found: list[Found] = []
    folders = {""}
    for path in tree.paths:
        reader = _READERS.get(path.rpartition("/")[2])
        if reader is None and requirements.is_requirements_file(path):
            reader = requirements.read
        if reader is None:
            continue
        folders.add(path.rpartition("/")[0])
        try:
            found.extend(reader(tree, path))
        except RecursionError:
            tree.unread.append(Unread(Place(path), "it is nested too deeply"))
        except ValueError:
            tree.unread.append(Unread(Place(path), "it holds a number that is no part of a version"))
    for folder in sorted(folders):
        found.extend(lock_files.read_installed(tree, folder))
    certain = {(one.package.name, one.package.root) for one in found if one.holds}
    packages = {
        _sane(one.package): None for one in found if one.holds or (one.package.name, one.package.root) not in certain
    }
    return sorted(packages, key=lambda one: (one.place, one.root, one.name))


def _sane(package: Package) -> Package:
    """Return a package without what cannot be its version."""
    is_absurd = max(len(package.version), len(package.specifier)) > _LONGEST_VERSION
    return replace(package, version="", specifier="") if is_absurd else package
