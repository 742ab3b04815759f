"""Progress: what is being done right now, on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(first: str, *, is_quiet: bool = False) -> Iterator[Callable[[str], object]]:
    """Give a function that shows a text on stderr until the next one; it does nothing where that is no terminal."""
    if is_quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status(first) as status:
        yield status.update
