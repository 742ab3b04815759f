"""The configuration: ``[tool.rootcellar.check]`` of a ``pyproject.toml``, and what the command line adds."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rootcellar.errors import ConfigurationError, did_you_mean
from rootcellar.specialist.checking.paths import fits
from rootcellar.specialist.checking.selection import ALL, Selection, matches, shown, split, validated
from rootcellar.specialist.rules.finding import Finding, Severity
from rootcellar.specialist.rules.rule import Rule

_TABLE = "[tool.rootcellar.check]"
#: of ``fail-on``: whatever is found, the exit status is 0
NEVER = "never"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is checked, and what counts."""

    selection: Selection = field(default_factory=Selection)
    #: pattern → selectors that are left out in files that fit it
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: patterns of files in which nothing is reported
    exclude: tuple[str, ...] = ()
    #: the least severity that makes the exit status 1; ``None``: none does
    fail_on: Severity | None = Severity.WARNING
    #: path of the baseline; ``None``: there is none
    baseline: Path | None = None
    #: from the folder that the patterns are relative to, to the one that is checked: ``services/api/``, or empty
    prefix: str = ""

    def leaves_out(self, finding: Finding, rule: Rule) -> bool:
        """Whether ``exclude`` or ``per-file-ignores`` say that the finding is not reported."""
        path = self.prefix + finding.place.path
        if any(fits(path, pattern) for pattern in self.exclude):
            return True
        return any(
            fits(path, pattern) and any(matches(selector, rule) for selector in selectors)
            for pattern, selectors in self.per_file_ignores.items()
        )


def configuration_of(root: Path, ids: Collection[str]) -> Configuration:
    """Read the table of the nearest ``pyproject.toml`` that has one, from ``root`` up to the end of the repository.

    Without one, return the defaults.

    Raises:
        ConfigurationError: the file is no TOML, or the table has an unknown key or a wrong value.
    """
    start = root.resolve()
    for folder in (start, *start.parents):
        table = _table_in(folder / "pyproject.toml")
        if table is not None:
            return parse(table, folder, ids, prefix=start.relative_to(folder).as_posix())
        if (folder / ".git").exists():
            break
    return Configuration()


def _table_in(path: Path) -> Any:
    try:
        text = path.read_text("utf-8-sig") if path.is_file() else ""  # opening a named pipe would wait for ever
    except (OSError, UnicodeDecodeError):
        return None  # what is there and cannot be read is in the profile's `unread`
    try:
        data: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        if "rootcellar" not in text:
            return None
        raise ConfigurationError(
            f"{path} is no TOML ({_position(exc)}), so {_TABLE} cannot be read from it. Mend the file."
        ) from None
    for name in ("tool", "rootcellar", "check"):
        data = data.get(name) if isinstance(data, dict) else None
    return data


def parse(table: Any, folder: Path, ids: Collection[str], *, prefix: str = "") -> Configuration:
    """Take the table apart; ``ids`` are those of all rules, paths in it are relative to ``folder``.

    Raises:
        ConfigurationError: it has an unknown key or a wrong value.
    """
    if not isinstance(table, dict):
        raise ConfigurationError(f"{_TABLE} in pyproject.toml must be a table.")
    known: Mapping[str, Callable[[Any, str], Any]] = {
        "select": lambda value, key: validated(_texts(value, key), ids, key),
        "extend-select": lambda value, key: validated(_texts(value, key), ids, key),
        "ignore": lambda value, key: validated(_texts(value, key), ids, key),
        "per-file-ignores": lambda value, key: _per_file(value, key, ids),
        "exclude": _texts,
        "fail-on": fail_on,
        "baseline": lambda value, key: folder / _text(value, key),
    }
    for key in table:
        if key not in known:
            near = did_you_mean(key, known)
            raise ConfigurationError(
                f"{_TABLE} in pyproject.toml has no {shown(key, near) if near else 'such key'}.{near} It takes: "
                f"{', '.join(known)}."
            )
    read = {key: known[key](value, f"{_TABLE} {key}") for key, value in table.items()}
    return Configuration(
        selection=Selection((*read.get("select", (ALL,)), *read.get("extend-select", ())), read.get("ignore", ())),
        per_file_ignores=read.get("per-file-ignores", {}),
        exclude=read.get("exclude", ()),
        fail_on=read.get("fail-on", Severity.WARNING),
        baseline=read.get("baseline"),
        prefix="" if prefix in ("", ".") else f"{prefix}/",
    )


def with_options(
    configuration: Configuration, select: Collection[str], ignore: Collection[str], ids: Collection[str]
) -> Selection:
    """Return the selection that holds once the command line has spoken.

    ``--select`` replaces what the configuration selects and ignores; ``--ignore`` adds to what is ignored.

    Raises:
        ConfigurationError: one of them names no rule.
    """
    selected = validated(split(select), ids, "--select")
    ignored = validated(split(ignore), ids, "--ignore")
    if selected:
        return Selection(selected, ignored)
    return Selection(configuration.selection.select, (*configuration.selection.ignore, *ignored))


def fail_on(value: Any, key: str) -> Severity | None:
    """Return the severity that ``fail-on`` names; ``None`` for ``never``.

    Raises:
        ConfigurationError: it names none.
    """
    if value == NEVER:
        return None
    if value not in set(Severity):
        near = did_you_mean(str(value), map(str, [*Severity, NEVER])) if isinstance(value, str) else ""
        raise ConfigurationError(f"{key} must be one of {', '.join(Severity)} or {NEVER}.{near}")
    return Severity(value)


def _position(exc: tomllib.TOMLDecodeError) -> str:
    """Return where in the file it is wrong; the rest of the message may repeat what stands there."""
    _, found, where = str(exc).rpartition("(at ")
    return f"at {where.rstrip(')')}" if found else "its syntax is wrong"


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{key} must be a text that is not empty, and is a {type(value).__name__}.")
    return value


def _texts(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigurationError(f'{key} must be a list of texts, such as ["RC204", "security"].')
    return tuple(value)


def _per_file(value: Any, key: str, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ConfigurationError(
            f'{key} must be a table of patterns and what to ignore there: {{ "deploy/**" = ["RC106"] }}.'
        )
    return {pattern: validated(_texts(one, key), ids, key) for pattern, one in value.items()}
