"""The tasks of a project."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.results.flow.scan import Scan
from rootcellar.specialist.profile import App, Task

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator


def find_tasks(modules: Modules, evaluator: "Evaluator", apps: Sequence[App]) -> list[Task]:
    """Return all tasks, in the order of their places: made by a decorator or a call, or class-based."""
    return Scan(modules, evaluator, apps).tasks
