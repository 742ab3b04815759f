"""Collecting garbage, or rather not: for as long as a project is read.

A syntax tree is hundreds of thousands of objects, and Python's collector walks all that live again and again while
others are made. None of them is in a cycle, so counting references frees them all, and without the collector reading
takes a third of the time. What keeps a module while it is walked through must therefore make no cycle.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch the cyclic collector off, and on again at the end if it was on."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
