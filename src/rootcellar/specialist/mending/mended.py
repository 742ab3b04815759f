"""Mended files: edits made in memory, and written once somebody has seen them."""

import io
import os
import stat
import tokenize
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from rootcellar.errors import MissingPackage, RootcellarError
from rootcellar.specialist.mending.naming import Naming
from rootcellar.specialist.mending.not_mended import NotMended
from rootcellar.specialist.mending.order import orders_of
from rootcellar.specialist.mending.plain_file import edit_plain
from rootcellar.specialist.mending.write import Writing
from rootcellar.specialist.profile import Place, Profile
from rootcellar.specialist.rules.finding import Edit, Finding


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after; both hold whatever it holds. ``was`` is ``None`` where there was no such file."""

    path: str
    before: str = field(repr=False)
    after: str = field(repr=False)
    was: bytes | None = field(repr=False)
    becomes: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """An edit that was not made, and why."""

    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class Mended:
    """What mending would change. Nothing is written before :meth:`write`."""

    root: Path
    changes: tuple[Change, ...]
    refused: tuple[Refused, ...]

    def write(self) -> None:
        """Write the changed files, each wholly or not at all.

        Raises:
            RootcellarError: a file has changed since it was read, or cannot be written; then none of them is written,
                unless the message names those that are.
        """
        with Writing() as writing:
            for change in self.changes:
                try:
                    writing.add(self.root / change.path, change.becomes)
                except OSError as exc:
                    raise RootcellarError(
                        f"{change.path} cannot be written ({exc.strerror}). No file was changed."
                    ) from None
            for change in self.changes:
                self._ask_unchanged(change)
            try:
                writing.finish()
            except OSError as exc:
                written = ", ".join(change.path for change in self.changes[: writing.done])
                raise RootcellarError(
                    f"{self.changes[writing.done].path} cannot be replaced ({exc.strerror}). It is as it was. "
                    + (f"Mended before it: {written}." if written else "No file was changed.")
                ) from None

    def _ask_unchanged(self, change: Change) -> None:
        try:
            is_same = _read(self.root / change.path) == change.was
        except NotMended:
            is_same = False
        if not is_same:
            raise RootcellarError(
                f"{change.path} has changed since it was read. No file was written. Run the command again."
            )


def mended(profile: Profile, findings: Iterable[Finding]) -> Mended:
    """Make the findings' edits, in memory.

    Raises:
        MissingPackage: libcst is not installed.
    """
    by_path: dict[str, dict[Edit, Naming]] = {}
    refused: dict[Refused, None] = {}
    for order in orders_of(profile, findings):
        edit = order.edit
        try:
            if order.why:
                raise NotMended(order.why)
            edit = replace(edit, place=replace(edit.place, path=_real(profile.root, edit.place.path)))
        except NotMended as exc:
            refused[Refused(edit.place, str(exc))] = None
            continue
        by_path.setdefault(edit.place.path, {}).setdefault(edit, order.naming)
    changes = []
    for path, edits in sorted(by_path.items()):
        change, not_made = _edited(profile.root, path, edits)
        refused.update(dict.fromkeys(not_made))
        changes += [change] if change is not None else []
    return Mended(profile.root, tuple(changes), tuple(refused))


def _real(root: Path, path: str) -> str:
    """Return the path of the file itself, where it is a link: two links to one file are one file."""
    outside = ".." in PurePosixPath(path).parts or path.startswith("/")
    real, base = os.path.realpath(root / path), os.path.realpath(root)
    if outside or os.path.commonpath([real, base]) != base:
        raise NotMended("the file is outside the project" if outside else "the file is a link out of the project")
    return path if real == os.path.join(base, path) else Path(real).relative_to(base).as_posix()


def _ask_writable(path: Path) -> None:
    """Refuse what would be replaced although nobody may write to it."""
    if path.exists() and not (stat.S_IMODE(path.stat().st_mode) & 0o222 and _may(path, os.W_OK)):
        raise NotMended("the file is read-only")
    if not _may(path.parent, os.W_OK | os.X_OK):
        raise NotMended("its folder cannot be written to")


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _edited(root: Path, path: str, edits: dict[Edit, Naming]) -> tuple[Change | None, list[Refused]]:
    """Make a file's edits from the last line to the first: an edit moves only the lines behind it."""
    in_order = sorted(
        edits, key=lambda one: (one.action != "append_line", one.place.line, one.place.column), reverse=True
    )
    try:
        was = _read(root / path)
        before, encoding, mark = _decoded(path, was, in_order)
        _ask_writable(root / path)
    except NotMended as exc:
        return None, [Refused(edit.place, str(exc)) for edit in in_order]
    after = before
    refused = []
    for edit in in_order:
        try:
            after = _edit(path, after, edit, edits[edit])
        except NotMended as exc:
            refused.append(Refused(edit.place, str(exc)))
    if after == before and was is not None:
        return None, refused
    return Change(path, before, after, was, mark + after.encode(encoding)), refused


def _edit(path: str, text: str, edit: Edit, naming: Naming) -> str:
    if not path.endswith((".py", ".pyi")):
        return edit_plain(text, edit, naming)
    try:
        from rootcellar.specialist.mending.python_file import edit_python
    except ImportError as exc:
        raise MissingPackage(
            f"Mending Python files needs libcst, which cannot be imported ({exc}). Install it: "
            "pip install 'rootcellar[check]'"
        ) from exc
    return edit_python(text, edit, naming)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise NotMended(f"the file cannot be read ({exc.strerror})") from None


def _decoded(path: str, data: bytes | None, edits: Sequence[Edit]) -> tuple[str, str, bytes]:
    """Return text, encoding, and the byte order mark that is to be put in front again."""
    if data is None:
        if any(edit.action != "append_line" for edit in edits):
            raise NotMended("there is no such file any more")
        return "", "utf-8", b""
    try:
        encoding = "utf-8"
        if path.endswith((".py", ".pyi")):
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        encoding = encoding.removesuffix("-sig")
        return data[len(mark) :].decode(encoding), encoding, mark
    except (UnicodeDecodeError, SyntaxError, LookupError):
        raise NotMended("the file's encoding is not certain") from None
