"""Writing files: each wholly or not at all, and several together as far as a file system can."""

import contextlib
import os
import secrets
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType


class Writing:
    """Files that are written together: :meth:`add` puts each beside its old one, :meth:`finish` in place of it.

    A full disk, a folder that refuses and Ctrl-C end before the first file is replaced. Whoever reads a file sees the
    old or the new one, never half of it. A link stays a link: the file it leads to is replaced. An existing file keeps
    its mode and, where that is allowed, its owner.
    """

    def __init__(self) -> None:
        self._staged: dict[str, str] = {}
        #: number of files that are in place
        self.done = 0

    def __enter__(self) -> "Writing":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        """Leave nothing behind of what is not in place."""
        for name in self._staged:
            with contextlib.suppress(OSError):
                os.unlink(name)

    def add(self, path: Path, data: bytes) -> None:
        """Write a file beside the one it is to replace.

        Raises:
            OSError: it cannot be written; then nothing has changed.
        """
        target = Path(os.path.realpath(path))
        name = str(target.parent / f".{target.name[:40]}.{secrets.token_hex(8)}.tmp")
        self._staged[name] = str(target)  # before it is there: an interruption may come at any time
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            _keep_mode(target, file.fileno())

    def finish(self) -> None:
        """Put all files in place, in their order; an interruption waits until then.

        Raises:
            OSError: one cannot be replaced; the :attr:`done` before it are, it and those behind it are not.
        """
        with _uninterrupted():
            for name, target in list(self._staged.items()):
                os.replace(name, target)
                del self._staged[name]
                self.done += 1


def write_atomically(path: Path, data: bytes) -> None:
    """Put ``data`` into a file that may exist, as :class:`Writing` does.

    Raises:
        OSError: it cannot be written; then nothing has changed.
    """
    with Writing() as writing:
        writing.add(path, data)
        writing.finish()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _keep_mode(target: Path, handle: int) -> None:
    try:
        before = target.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(handle, 0o666 & ~mask)
        return
    with contextlib.suppress(OSError):  # only root can give a file away
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))
