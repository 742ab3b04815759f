"""Lua scripts: known to the server by their SHA1, sent in full where it does not know them yet."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
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
        self._files = files

    @cached_property
    def source(self) -> bytes:
        """Return the script."""
        folder = resources.files(__package__)
        return b"".join(folder.joinpath(file).read_bytes() for file in self._files)

    @cached_property
    def sha(self) -> str:
        """Return the name EVALSHA knows the script by; not a safeguard."""
        return hashlib.sha1(self.source, usedforsecurity=False).hexdigest()

    def run(self, connection: Connection, keys: Sequence[str], *arguments: Argument) -> Any:
        """Return what the script answers."""
        try:
            return connection.execute("EVALSHA", self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return connection.execute("EVAL", self.source, len(keys), *keys, *arguments)
