"""git: running it in a repository that may be anybody's, without running anything of that repository."""

import os
import shutil
from pathlib import Path

#: What a repository's own configuration can make git run, or write, is off.
_SWITCHED_OFF = (
    "core.fsmonitor=false", "core.untrackedCache=false", f"core.hooksPath={os.devnull}", "safe.directory=*",
    "core.quotePath=false", "color.ui=never", "protocol.allow=never", "log.showSignature=false", "core.pager=cat",
    "diff.external=",
)  # fmt: skip


def git_command(root: Path, *arguments: str) -> list[str] | None:
    """Return the command line that runs git in ``root``; ``None`` where git is not installed."""
    program = shutil.which("git")
    if program is None:
        return None
    options = [part for setting in _SWITCHED_OFF for part in ("-c", setting)]
    return [program, "--no-pager", "-C", str(root), *options, *arguments]


def git_environment(*, is_users_own: bool = True) -> dict[str, str]:
    """Return the environment to run git in: it asks nothing, locks nothing, fetches nothing, and ``GIT_DIR`` is unset.

    With ``is_users_own`` the user's configuration counts: what it ignores is ignored.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
    if not is_users_own:
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return environment
