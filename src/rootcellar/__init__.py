"""rootcellar: where Celery keeps its results.

The public names. Put ``cellar+`` in front of a ``result_backend`` URL for the stores; run ``rootcellar --help`` for
the command. To wait in an event loop: ``from rootcellar import aio``.
"""

from typing import TYPE_CHECKING, Any

from rootcellar.errors import RootcellarError
from rootcellar.record import Record

if TYPE_CHECKING:
    from rootcellar.results import Progress, exists, progress

__version__ = "0.2.0.dev0"

__all__ = ["Progress", "Record", "RootcellarError", "__version__", "exists", "progress"]


def __getattr__(name: str) -> Any:
    """Import what needs Celery when it is first used: importing rootcellar stays cheap."""
    if name in ("Progress", "exists", "progress"):
        from rootcellar import results

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
