"""The uses of tasks and results in a project."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.results.flow.scan import Scan
from rootcellar.specialist.profile import App, Task, Use

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator


def find_uses(modules: Modules, evaluator: "Evaluator", apps: Sequence[App], tasks: Sequence[Task]) -> list[Use]:
    """Return all uses, in the order of their places. ``tasks`` are those that :func:`find_tasks` found."""
    return Scan(modules, evaluator, apps).uses
