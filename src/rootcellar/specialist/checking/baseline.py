"""The baseline: findings that were there when somebody drew the line. They are known, and not reported."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rootcellar.errors import ConfigurationError
from rootcellar.specialist.mending.write import write_atomically

_VERSION = 1


@dataclass(frozen=True, slots=True, order=True)
class Known:
    """One finding of the past."""

    path: str
    rule: str
    fingerprint: str


def read_baseline(path: Path) -> tuple[Known, ...]:
    """Read a baseline.

    Raises:
        ConfigurationError: there is no such file, or it is no baseline.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no baseline {path}. To make one of what is found now: rootcellar check --update-baseline "
            f"--baseline {path}"
        ) from None
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"The baseline {path} cannot be read ({type(exc).__name__}). {_AGAIN}") from None
    return tuple(sorted(_known(data, path)))


def write_baseline(path: Path, known: Iterable[Known]) -> None:
    """Write a baseline: rules, paths and hashes, nothing of what stands in the files.

    Raises:
        ConfigurationError: it cannot be written.
    """
    data = {
        "version": _VERSION,
        "findings": [
            {"path": one.path, "rule": one.rule, "fingerprint": one.fingerprint} for one in sorted(set(known))
        ],
    }
    try:
        write_atomically(path, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as exc:
        raise ConfigurationError(f"The baseline {path} cannot be written ({exc.strerror}).") from None


def stale(known: Iterable[Known], fingerprints: Collection[str]) -> tuple[Known, ...]:
    """Return those that were not found any more."""
    return tuple(one for one in known if one.fingerprint not in fingerprints)


_AGAIN = "Make it again with --update-baseline."


def _known(data: Any, path: Path) -> Iterable[Known]:
    if not isinstance(data, dict) or not isinstance(data.get("findings"), list):
        raise ConfigurationError(f"{path} is no baseline of rootcellar check. {_AGAIN}")
    if data.get("version") != _VERSION:
        raise ConfigurationError(f"The baseline {path} is of another version of rootcellar check. {_AGAIN}")
    for one in data["findings"]:
        try:
            yield Known(str(one["path"]), str(one["rule"]), str(one["fingerprint"]))
        except (KeyError, TypeError):
            raise ConfigurationError(f"The baseline {path} has an entry that is not whole. {_AGAIN}") from None
