"""Path patterns, as in ``exclude`` and ``per-file-ignores``."""

import re
from functools import cache


def fits(path: str, pattern: str) -> bool:
    """Whether a path, relative and with ``/``, fits a pattern.

    ``*`` and ``?`` stay within a folder, ``**`` does not. A pattern without ``/`` fits a file or folder of that name
    anywhere; one that fits a folder fits all that is in it.

    >>> fits("tests/unit/conf.py", "tests"), fits("tests/unit/conf.py", "tests/*.py"), fits("a/b/c.py", "a/**/c.py")
    (True, False, True)
    >>> fits("deploy/dev/.env", "*.env"), fits("deploy/dev/.env", "deploy/"), fits("a/deploy.py", "deploy")
    (True, True, False)
    """
    return _compiled(pattern).fullmatch(path) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    bare = pattern.removeprefix("./").rstrip("/")
    parts = re.split(r"(\*\*/?|\*|\?)", bare)
    body = "".join(
        {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part)) for part in parts
    )
    anywhere = "" if "/" in bare else "(?:.*/)?"
    return re.compile(f"{anywhere}{body}(?:/.*)?", re.DOTALL)
