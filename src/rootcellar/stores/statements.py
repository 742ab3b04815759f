"""Named SQL: each engine's statements lie in one ``.sql`` file, in blocks headed ``-- name: what it does``."""

import re
from functools import cache
from importlib import resources

_HEADER = re.compile(r"^-- (?P<name>[a-z_]+):.*\n", re.MULTILINE)


@cache
def load(file: str, package: str = __package__) -> dict[str, str]:
    """Return the statements of ``file`` (a name in ``package``, this one by default), by name, without comments."""
    text = resources.files(package).joinpath(file).read_text("utf-8")
    parts = _HEADER.split(text)
    return {
        name: "\n".join(line for line in body.splitlines() if line and not line.lstrip().startswith("--"))
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }
