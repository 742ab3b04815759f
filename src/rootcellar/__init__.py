"""rootcellar: where Celery keeps its results.

The public names. Put ``cellar+`` in front of a ``result_backend`` URL for the stores; run ``rootcellar --help`` for
the command.
"""

from rootcellar.errors import RootcellarError
from rootcellar.record import Record

__version__ = "0.1.0"

__all__ = ["Record", "RootcellarError", "__version__"]
