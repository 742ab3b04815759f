"""Compatibility of what is installed: drivers that lack, releases that do not fit each other or are too old."""

import re
from collections.abc import Iterable, Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from rootcellar.specialist.engines import Driver, drivers_of
from rootcellar.specialist.profile import App, CeleryVersion, Package
from rootcellar.specialist.profile.shown import shown_version
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.required import handed_on, required
from rootcellar.specialist.rules.rule import app_rule, found, project_rule

#: Packages that have to fit Celery.
_CONCERNED = ("celery", "kombu", "billiard", "vine", "redis", "sqlalchemy", "pymongo", "django-celery-results")
#: Since then kombu's JSON says of which type a date, a UUID or a Decimal is, and Celery asks for such a kombu.
_TYPED_JSON = Version("5.3")
#: A requirement that allows none of these asks for a later one.
_BEFORE_TYPED = ("3.0.37", "3.1.26", "4.0.2", "4.1.1", "4.2.2", "4.3.1", "4.4.7", "4.6.11", "5.0.5", "5.1.2", "5.2.7")
#: Older ones get no fixes.
_SUPPORTED = Version("5.3")
#: Since then Celery talks to Memcached with pymemcache, and with nothing else.
_PYMEMCACHE = Version("5.7")
#: Packages that bring another along: a name that holds the word on the left, or is one of these.
_CARRIERS = {
    "redis": ("rq", "django-rq", "arq", "celery-redbeat", "walrus", "pottery", "redlock-py", "dramatiq", "huey"),
    "sqlalchemy": (
        "alembic",
        "sqlmodel",
        "databases",
        "dataset",
        "geoalchemy2",
        "mlflow",
        "apache-airflow",
        "langchain",
    ),
    "pymongo": ("motor", "beanie", "odmantic", "djongo", "umongo", "pymodm"),
    "psycopg": ("aiopg", "psycogreen"),
    "boto3": ("awscli", "django-storages", "s3fs", "smart-open"),
}


@app_rule("RC501")
def missing_driver(app: App, project: Project) -> Iterator[Finding]:
    """Requirements that name nothing to talk to the results' store with."""
    packages = _required_for(app, project)
    celery = [one for one in packages if one.name == "celery" and one.origin != "installed"]
    if not celery:
        return  # whatever these files are, they are not what Celery is installed from
    is_locked = any(one.origin == "lock" for one in celery)
    for driver in drivers_of(project.engine(app), app.text("result_backend")):
        names = _names(driver, project.version(app))
        if _has(packages, driver, names) or (not is_locked and _may_bring(packages, driver, names)):
            continue
        yield found(
            app.where("result_backend"),
            f"Results need {' or '.join(names)}, and no requirement of the project names "
            f"{'it' if len(names) == 1 else 'one'}.",
            mend=f"Add it to the requirements: {driver.install}.",
            related=tuple(one.place for one in celery),
        )


def _required_for(app: App, project: Project) -> list[Package]:
    """Return what is asked for where the app lives, above it, and in folders that have no app of their own."""
    path = app.place.path + "/"
    apps = [one.place.path + "/" for one in project.profile.apps]

    def concerns(package: Package) -> bool:
        root = f"{package.root}/" if package.root else ""
        return path.startswith(root) or not any(one.startswith(root) for one in apps)

    return [one for one in project.profile.packages if concerns(one)]


def _names(driver: Driver, version: Version) -> tuple[str, ...]:
    if "pymemcache" in driver.packages:
        is_new = version >= _PYMEMCACHE
        return tuple(name for name in driver.packages if (name == "pymemcache") is is_new)
    return driver.packages


def _has(packages: Iterable[Package], driver: Driver, names: tuple[str, ...]) -> bool:
    extras = {driver.extra, f"py{driver.extra}", *re.findall(r"\[(\w+)\]", driver.install)} - {"", "py"}
    return any(
        one.name in names or (one.name in ("celery", "kombu", "rootcellar") and extras & set(one.extras))
        for one in packages
    )


def _may_bring(packages: Iterable[Package], driver: Driver, names: tuple[str, ...]) -> bool:
    """Whether some package is likely to ask for the driver in turn, which requirements alone do not tell."""
    words = {word for word in (*_CARRIERS, driver.extra) if word and any(word in name for name in names)}
    words |= {"mongo"} if "pymongo" in names else set()
    carriers = {carrier for word in words for carrier in _CARRIERS.get(word, ())}
    return any(
        one.name in carriers
        or any(word in one.name for word in words)
        or any(word in extra.lower() for extra in one.extras for word in words)
        for one in packages
    )


@project_rule("RC502")
def versions_do_not_fit(project: Project) -> Iterator[Finding]:
    """A pin that Celery's own requirements forbid."""
    pins = [one for one in project.profile.packages if one.origin in ("requirement", "lock") and _version(one.version)]
    for package in pins:
        if package.name not in _CONCERNED:
            continue
        for name in ("celery", "kombu"):
            owners = _beside(package, [one for one in pins if one.name == name])
            extras = _extras(project, name, package.root, pins)
            allowed = [required(name, one.version, package.name, extras) for one in owners]
            if not owners or package.name == name or not all(allowed):
                continue
            if not any(one.contains(package.version, prereleases=True) for some in allowed for one in some):
                pinned, owner = shown_version(package.version), shown_version(owners[0].version)
                yield found(
                    package.place,
                    f"{package.name} {pinned} does not fit {name} {owner}, which requires "
                    f"{package.name}{allowed[0][0]}.",
                    related=(owners[0].place,),
                )
                break


def _beside(package: Package, others: list[Package]) -> list[Package]:
    """Return those that are installed together with a package: of its file, else of its folder."""
    same_file = [one for one in others if one.place.path == package.place.path]
    return same_file or [one for one in others if one.root == package.root]


def _extras(project: Project, name: str, root: str, pins: list[Package]) -> frozenset[str]:
    """Return the extras of Celery or kombu that a folder asks for."""

    def own(of: str) -> frozenset[str]:
        packages = [one for one in project.profile.packages if one.root == root and one.name == of]
        return frozenset(extra for one in packages for extra in one.extras)

    if name == "celery":
        return own("celery")
    celery = [one.version for one in pins if one.name == "celery" and one.root == root]
    return own("kombu").union(*(handed_on(version, own("celery")) for version in celery))


@project_rule("RC504")
def installed_differs(project: Project) -> Iterator[Finding]:
    """A virtual environment that is not what the files ask for."""
    for name in _CONCERNED:
        of_name = [one for one in project.profile.packages if one.name == name]
        for root in dict.fromkeys(one.root for one in of_name):
            here = [one for one in of_name if one.root == root]
            installed = [one for one in here if one.origin == "installed" and _version(one.version)]
            locked = [one for one in here if one.origin == "lock"]
            asked = locked or [one for one in here if one.origin == "requirement" and one.specifier]
            if installed and asked and not any(_admits(one, other) for one in asked for other in installed):
                environment = installed[0].place.path.partition("/lib")[0]
                yield found(
                    asked[0].place,
                    f"{name} {shown_version(installed[0].version)} is installed ({environment}), and "
                    f"{shown_version(asked[0].specifier)} is what is {'locked' if locked else 'asked for'}.",
                    related=(installed[0].place,),
                )


def _admits(asked: Package, installed: Package) -> bool:
    try:
        return SpecifierSet(asked.specifier).contains(installed.version, prereleases=True)
    except InvalidSpecifier:
        return True


@project_rule("RC509")
def mixed_kombu_json(project: Project) -> Iterator[Finding]:
    """Two apps that exchange messages or results, in two kinds of JSON."""
    sides = [(app, *side) for app in project.profile.apps if (side := _json_of(app, project)) is not None]
    reported = set()
    for app, is_typed, package in sides:
        others = [one for one in sides if one[1] and _may_exchange(app, one[0], project)]
        if not is_typed and others and package.place not in reported:
            reported.add(package.place)
            other, _, other_package = others[0]
            yield found(
                package.place,
                f"{_shown(package)} {'takes' if package.name == 'celery' else 'is'} a kombu of before 5.3, and "
                f"{other.target} has {_shown(other_package)}: dates, UUIDs, Decimals and bytes arrive as "
                "something else.",
                related=(other_package.place,),
            )


def _shown(package: Package) -> str:
    return f"{package.name}{shown_version(package.specifier or package.version)}"


def _json_of(app: App, project: Project) -> tuple[bool, Package] | None:
    """Return whether an app speaks kombu's JSON since 5.3, by kombu's pin, else Celery's, and that pin."""
    root = project.profile.celery_of(app).root
    packages = [one for one in project.profile.packages if one.root == root and one.origin != "installed"]
    for name in ("kombu", "celery"):
        pins = [(version, one) for one in packages if one.name == name and (version := _version(one.version))]
        if pins:
            newest, package = max(pins, key=lambda one: one[0])
            return newest >= _TYPED_JSON, package
        after = next((one for one in packages if one.name == name and _excludes(one.specifier, _BEFORE_TYPED)), None)
        if after is not None:
            return True, after
    return None


def _excludes(specifier: str, versions: tuple[str, ...]) -> bool:
    try:
        return bool(specifier) and not any(SpecifierSet(specifier).filter(versions))
    except InvalidSpecifier:
        return False


def _may_exchange(one: App, other: App, project: Project) -> bool:
    """Whether two apps may have a broker or results in common: it is not known that they have neither."""
    pairs = [
        (project.broker(one), project.broker(other), "broker_url"),
        (project.backend(one), project.backend(other), "result_backend"),
    ]
    return one is not other and any(
        not (one.known(name) and other.known(name))
        or (mine.host, mine.port, mine.path) == (theirs.host, theirs.port, theirs.path)
        for mine, theirs, name in pairs
    )


@project_rule("RC511")
def celery_unsupported(project: Project) -> Iterator[Finding]:
    """A Celery that gets no fixes."""
    for celery in project.profile.celery:
        version = _version(celery.version)
        if celery.place is not None and version is not None and version < _SUPPORTED and celery.origin != "newest":
            yield found(celery.place, f"{_said(celery)}: it gets no fixes any more.")


def _said(celery: CeleryVersion) -> str:
    what = "the newest that is allowed" if celery.origin == "allowed" else celery.origin
    return f"Celery {shown_version(celery.version)} is {what}"


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
