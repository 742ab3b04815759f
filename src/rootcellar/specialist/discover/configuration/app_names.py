"""An app's names: whether an expression is a certain app, or its ``conf``."""

import ast
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.creations import Creation, canonical, text_of_name
from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
from rootcellar.specialist.profile import Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.modules import Modules

#: Names of the app in one body; ``x!conf`` stands for a name of its configuration.
Names = frozenset[str] | set[str]
_CHANGING = frozenset({"attribute", "item", "method", "augment"})


class AppNames:
    """What one app is called, across the project."""

    def __init__(self, modules: "Modules", evaluator: "Evaluator", creation: Creation) -> None:
        self._modules = modules
        self._evaluator = evaluator
        self._creation = creation
        #: full names of the module-level variables that hold it
        self.dotted = set(creation.dotted)

    def aliases(self, scope: Scope, names: frozenset[str]) -> frozenset[str]:
        """Return further names of the app, and of its ``conf``, in a body: ``conf = app.conf``."""
        found: set[str] = set()
        for name, bindings in scope.frame.bindings.items():
            for one in bindings:
                if one.kind != "assign":
                    continue
                if self.is_app(one.node, scope, names | found):
                    found.add(name)
                elif isinstance(one.node, ast.Attribute) and self.is_conf(one.node, scope, names | found):
                    found.add(f"{name}!conf")
        return frozenset(found)

    def is_app(self, node: ast.AST, scope: Scope, names: Names) -> bool:
        text = text_of_name(node)
        if text and text in names:
            return True
        if not self.dotted or not isinstance(node, (ast.Name, ast.Attribute)):
            return False
        root = text.partition(".")[0]
        here: Scope | None = scope
        while here is not None and here.outer is not None:
            # `app.Task = …` changes what the name stands for elsewhere, and binds nothing here.
            binding = [one for one in here.frame.bindings.get(root, []) if one.kind not in _CHANGING][-1:]
            if root in here.bound or root in here.frame.parameters or (binding and binding[0].kind != "import"):
                return False
            here = here.outer
        dotted = canonical(self._modules, scope.module.dotted(node), scope.module.path)
        return dotted in self.dotted or (not text.startswith("self") and self._is_current(dotted))

    def _is_current(self, dotted: str) -> bool:
        return dotted in ("celery.current_app",) and len(self.dotted) > 0 and self.is_only

    @property
    def is_only(self) -> bool:
        """Whether the project has no other app, so that ``celery.current_app`` is this one."""
        return bool(self._evaluator.memory.get("apps", Value(0)).data == 1)

    def is_conf(self, node: ast.AST, scope: Scope, names: Names) -> bool:
        """Whether this is ``app.conf``, or a name for it."""
        if isinstance(node, ast.Name):
            return f"{node.id}!conf" in names
        return isinstance(node, ast.Attribute) and node.attr == "conf" and self.is_app(node.value, scope, names)

    def is_made(self, node: ast.AST, scope: Scope, names: Names) -> bool:
        """Whether this is the app, or the very call that makes it."""
        return node is self._creation.call or self.is_app(node, scope, names)
