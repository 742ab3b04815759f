"""The uses of results in snippets of code, for tests of discovery.

A snippet says at the end of a line which uses it holds: ``r.get()  #: get``. Sends and groups are not said.
"""

import re
from pathlib import Path

from project_files import lay_out
from rootcellar.specialist.discover.configuration.evaluate import Evaluator
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.results.flow.scan import Scan
from rootcellar.specialist.profile import Use

#: a project with an app and two tasks
SHOP = {
    "shop/__init__.py": "",
    "shop/celery.py": """
        from celery import Celery
        app = Celery("shop")
    """,
    "shop/tasks.py": """
        from celery import shared_task
        from shop.celery import app

        @app.task
        def add(x, y):
            return x + y

        @shared_task(name="total", ignore_result=True)
        def total(numbers):
            return sum(numbers)
    """,
}


def uses_in(folder: Path, files: dict[str, str | bytes]) -> list[Use]:
    """The uses in a project."""
    modules = Modules(lay_out(folder, files))
    evaluator = Evaluator(modules)
    return Scan(modules, evaluator, []).uses


def uses_of(folder: Path, snippet: str, path: str = "shop/code.py") -> list[Use]:
    """The uses in a snippet, beside which stands the shop."""
    modules = Modules(lay_out(folder, {**SHOP, path: snippet}))
    found = Scan(modules, Evaluator(modules), []).uses
    assert modules.tree.unread == []
    return [use for use in found if use.place.path == path]


def one_of(folder: Path, snippet: str, kind: str, path: str = "shop/code.py") -> Use:
    """The one use of a kind in a snippet."""
    found = [use for use in uses_of(folder, snippet, path) if use.kind == kind]
    assert len(found) == 1, found
    return found[0]


def marked(folder: Path, path: str = "shop/code.py") -> set[tuple[int, str]]:
    """Line and kind of each use that a file says it has."""
    lines = (folder / path).read_text().splitlines()
    said = ((n, found[1]) for n, line in enumerate(lines, 1) if (found := re.search(r"#: (.+)$", line)))
    return {(n, kind.strip()) for n, kinds in said for kind in kinds.split(",")}


def but_sends(uses: list[Use]) -> set[tuple[int, str]]:
    """Line and kind of each use."""
    return {(use.place.line, use.kind) for use in uses if use.kind not in ("send", "group")}
