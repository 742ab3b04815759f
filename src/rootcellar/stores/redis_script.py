"""Lua scripts: known to the server by their SHA1, sent in full where it does not know them yet."""

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any, Protocol

from redis.exceptions import NoScriptError

Argument = str | bytes | int | float


class Connection(Protocol):
    """What runs a command and returns the answer."""

    def execute(self, *command: Argument) -> Any: ...


class Script:
    """One script, made of files of this package put one behind the other."""

    def __init__(self, *files: str) -> None:
        folder = resources.files(__package__)
        self.source = b"".join(folder.joinpath(file).read_bytes() for file in files)
        # The name EVALSHA knows a script by; not a safeguard.
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest()

    def run(self, connection: Connection, keys: Sequence[str], *arguments: Argument) -> Any:
        """Return what the script answers."""
        try:
            return connection.execute("EVALSHA", self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return connection.execute("EVAL", self.source, len(keys), *keys, *arguments)
