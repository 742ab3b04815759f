"""The environment: what is in it for another Celery project must not reach the demonstration."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rootcellar.demo.app import DIRECTORY_VARIABLE, STORE_VARIABLE

# Read by the options of `celery`, under these names.
_OPTIONS = frozenset({"APP", "BROKER_URL", "RESULT_BACKEND", "LOADER", "CONFIG_MODULE", "DJANGO_SETTINGS_MODULE"})


def is_foreign(name: str) -> bool:
    """Return whether an environment variable would change what the demonstration's Celery does.

    >>> is_foreign("CELERY_BROKER_URL"), is_foreign("PATH")
    (True, False)
    """
    return name in _OPTIONS or name.startswith(("CELERY_", "CELLAR_"))


def worker_environment(environ: Mapping[str, str], directory: str, store_url: str) -> dict[str, str]:
    """Return the environment for the worker's process."""
    clean = {name: value for name, value in environ.items() if not is_foreign(name)}
    # What the pool puts into the temporary directory must go with ours, also if the worker is killed.
    return {**clean, "TMPDIR": directory, DIRECTORY_VARIABLE: directory, STORE_VARIABLE: store_url}


@contextmanager
def clean_environment() -> Iterator[None]:
    """Take the foreign variables out of this process's environment, and put them back afterwards."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if is_foreign(name)}
    try:
        yield
    finally:
        os.environ.update(taken)
