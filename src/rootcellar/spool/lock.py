"""A lock among the processes of a host, which whoever dies gives back."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A forked child shares the lock's open file, and would hold the lock on when its parent has died.
_held: set[int] = set()


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Give ``True`` if nobody else, in this process or another of the host, is inside now; does not wait."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    _held.add(handle)
    if os.geteuid() == 0:  # an administrator must not lock the workers out
        owner = path.parent.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    pid = os.getpid()
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            if os.getpid() == pid:
                fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        if os.getpid() == pid:  # in a child it is closed already, and the number may be another file's
            _held.discard(handle)
            os.close(handle)


def _close_in_child() -> None:
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_close_in_child)
