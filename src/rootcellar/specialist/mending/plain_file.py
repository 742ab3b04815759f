"""The plain file: edits of single lines in env files, YAML, ``.gitignore`` and the like."""

import ast
import re

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.mending.naming import Naming
from rootcellar.specialist.mending.not_mended import NotMended
from rootcellar.specialist.rules.finding import Edit

_ENV_FILE = re.compile(r"(?:.*/)?(?:\.env[^/]*|[^/]*\.env|env)")
_VARIABLE = re.compile(r"(\s*(?:export\s+)?)([A-Za-z_][A-Za-z0-9_]*)(\s*=\s*)(.*)")
_PLAIN_VALUE = re.compile(r"[\w.:/@+,-]*")


def edit_plain(text: str, edit: Edit, naming: Naming) -> str:
    """Return the text of a file with one edit made; the same text if there is nothing left to do.

    Raises:
        NotMended: it is not certain where or how.
    """
    if edit.action == "append_line":
        return _appended(text, edit.value)
    parts = re.split(r"(\r\n|\n|\r)", text)
    at = 2 * (edit.place.line - 1)
    if not 0 <= at < len(parts):
        raise NotMended("there is no such line")
    if edit.action == "replace":
        parts[at] = _replaced(parts[at], edit.setting, edit.value)
        return "".join(parts)
    found = _VARIABLE.fullmatch(parts[at])
    if not _ENV_FILE.fullmatch(edit.place.path) or found is None or not naming.means(found[2], edit.setting):
        raise NotMended(f"{edit.setting} is not set there in a way that is certain")
    if any(found[4].count(quote) % 2 for quote in "\"'"):
        raise NotMended("its value goes on in the next line")
    if edit.action == "remove":
        del parts[at : at + 2]
    elif edit.action == "rename":
        parts[at] = f"{found[1]}{naming.renamed(found[2], edit.setting, edit.value)}{found[3]}{found[4]}"
    elif edit.action == "set":
        parts[at] = f"{found[1]}{found[2]}{found[3]}{_plain(edit.value)}"
    else:
        raise NotMended(f"{edit.action} is nothing that can be done to a line")
    return "".join(parts)


def _appended(text: str, line: str) -> str:
    if line.strip() in (one.strip() for one in lines_of(text)):
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    return text + (newline if text and not text.endswith(("\n", "\r")) else "") + line + newline


def _replaced(line: str, old: str, new: str) -> str:
    if new and new in line and (old in new or old not in line):
        return line
    if not old or line.count(old) != 1:
        raise NotMended("what is to be replaced does not stand there once")
    return line.replace(old, new)


def _plain(source: str) -> str:
    """Return a Python literal as an env file has it."""
    try:
        value = ast.literal_eval(source)
    except (ValueError, SyntaxError):
        raise NotMended("its value is no literal") from None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, (bool, int, float, str)) or not _PLAIN_VALUE.fullmatch(text):
        raise NotMended("its value cannot be written there")
    return text
