"""The kind of a value: what type an expression visibly has, by full dotted name."""

import ast
import builtins
from collections.abc import Iterable, Sequence

from rootcellar.specialist.discover.modules import Module, Modules
from rootcellar.specialist.discover.results.django_kinds import of_manager, of_queryset
from rootcellar.specialist.discover.results.kind import UNKNOWN, Kind
from rootcellar.specialist.discover.results.known_kinds import BUILTINS, CARRIED, METHODS, SETS, STRINGS, known_call


class Kinds:
    """The kinds of expressions in one function, of whose body ``own`` are the nodes."""

    def __init__(self, module: Module, modules: Modules, own: Sequence[ast.AST]) -> None:
        self._module = module
        self._modules = modules
        self._own = own
        self._seen: set[str] = set()

    def of(self, node: ast.expr, depth: int = 0) -> Kind:
        """Return the kind of an expression."""
        if depth > 20:
            return UNKNOWN
        match node:
            case ast.Constant(value=None):
                return Kind("None")
            case ast.Constant(value=value):
                return Kind(f"builtins.{type(value).__name__}")
            case ast.JoinedStr():
                return Kind("builtins.str")
            case ast.Dict(keys=keys, values=values):
                spread = [self.of(v, depth + 1).inside for k, v in zip(keys, values, strict=True) if k is None]
                own = [v for k, v in zip(keys, values, strict=True) if k is not None]
                return Kind("builtins.dict", _unique([*self._inside(own, depth), *_flat(spread)]))
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                name = type(node).__name__.lower()
                return Kind(f"builtins.{name}", self._inside(items, depth))
            case ast.ListComp(elt=item) | ast.SetComp(elt=item):
                name = "list" if isinstance(node, ast.ListComp) else "set"
                return Kind(f"builtins.{name}", self._inside([item], depth))
            case ast.DictComp(value=item):
                return Kind("builtins.dict", self._inside([item], depth))
            case ast.GeneratorExp():
                return Kind("types.GeneratorType")
            case ast.Lambda():
                return Kind("types.LambdaType")
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return Kind("builtins.bool")
            case ast.Await(value=value) | ast.NamedExpr(value=value) | ast.UnaryOp(operand=value):
                return self.of(value, depth + 1)
            case ast.BinOp():
                return self._operation(node, depth)
            case ast.Call():
                return self._call(node, depth)
            case ast.Subscript():
                return self._subscript(node, depth)
            case ast.Name(id=name):
                return self._local(name, depth)
        return UNKNOWN

    def _inside(self, items: Iterable[ast.expr], depth: int) -> tuple[str, ...]:
        kinds: list[str] = []
        for item in items:
            kind = self.of(item.value if isinstance(item, ast.Starred) else item, depth + 1)
            kinds.extend(kind.inside if isinstance(item, ast.Starred) else [kind.name, *kind.inside])
        return _unique(kinds)

    def _operation(self, node: ast.BinOp, depth: int) -> Kind:
        left, right = self.of(node.left, depth + 1), self.of(node.right, depth + 1)
        if isinstance(node.op, ast.Mod) and left.name == "builtins.str":
            return left
        if isinstance(node.op, ast.Sub) and left.name == right.name and left.name.startswith("datetime.date"):
            return Kind("datetime.timedelta")
        if left.name == right.name and left.name not in ("builtins.int", "builtins.bool"):
            return Kind(left.name, _unique([*left.inside, *right.inside]))
        carried = ("datetime.datetime", "datetime.date", "decimal.Decimal", "numpy.ndarray", "builtins.set")
        if left.name in carried and isinstance(node.op, (ast.Add, ast.Sub, ast.BitOr, ast.BitAnd, ast.Mult, ast.Div)):
            return left
        return UNKNOWN

    def _subscript(self, node: ast.Subscript, depth: int) -> Kind:
        of = self.of(node.value, depth + 1)
        if isinstance(node.slice, ast.Slice):
            return of
        return Kind("django.model") if of.name == "django.queryset" and not of.inside else UNKNOWN

    def _local(self, name: str, depth: int) -> Kind:
        """A local variable: what all its assignments agree on, with what is put into it later."""
        if name in self._seen:
            return UNKNOWN
        self._seen.add(name)
        try:
            kinds: list[Kind] = []
            for node in self._own:
                value = _assigned(node, name)
                if value is not None:
                    kinds.append(self.of(value, depth + 1))
                elif _binds(node, name):
                    return UNKNOWN
            names = {kind.name for kind in kinds}
            if len(names) > 1 and "None" in names:
                kinds = [kind for kind in kinds if kind.name != "None"]
                names.discard("None")
            if len(names) != 1:
                return UNKNOWN
            added = self._inside(_added(self._own, name), depth) if kinds[0].name.startswith("builtins.") else ()
            return Kind(kinds[0].name, _unique([*_flat(kind.inside for kind in kinds), *added]))
        finally:
            self._seen.discard(name)

    def _call(self, node: ast.Call, depth: int) -> Kind:
        func = node.func
        dotted = self._module.dotted(func)
        if isinstance(func, ast.Name) and dotted == func.id and func.id in BUILTINS and hasattr(builtins, func.id):
            return self._builtin(node, func.id, depth)
        known = known_call(dotted)
        if known is not None:
            return Kind(known)
        if isinstance(func, ast.Attribute):
            return self._method(node, func, dotted, depth)
        return self._instance(dotted)

    def _builtin(self, node: ast.Call, name: str, depth: int) -> Kind:
        kind = {"open": "io.IOBase"}.get(name, f"builtins.{BUILTINS[name]}")
        if name not in ("list", "tuple", "set", "frozenset", "sorted", "dict"):
            return Kind(kind)
        inside: list[str] = []
        if name == "dict":
            inside.extend(self._inside([one.value for one in node.keywords if one.arg], depth))
        for argument in node.args[:1]:
            given = self.of(argument, depth + 1)
            if given.name == "django.queryset":
                inside.extend(given.inside or ("django.model",))
            inside.extend(given.inside if given.name != "django.queryset" else ())
            if isinstance(argument, ast.GeneratorExp):
                inside.extend(self._inside([argument.elt], depth))
        return Kind(kind, _unique(inside))

    def _method(self, node: ast.Call, func: ast.Attribute, dotted: str, depth: int) -> Kind:
        manager = of_manager(func)
        if manager is not None:
            return manager
        if func.attr in METHODS:
            return Kind(METHODS[func.attr])
        if func.attr == "dict" and not node.args:
            return Kind("builtins.dict")
        of = self.of(func.value, depth + 1)
        if of.name == "django.queryset":
            return of_queryset(func.attr)
        if of.name == "datetime.datetime":
            of_datetime = {"date": "datetime.date", "time": "datetime.time", "timestamp": "builtins.float"}
            fallback = "datetime.datetime" if func.attr in ("replace", "astimezone") else "unknown"
            return Kind(of_datetime.get(func.attr, fallback))
        if of.name == "builtins.str" and func.attr in STRINGS:
            return of
        if of.name == "builtins.set" and func.attr in SETS:
            return of
        if of.name in ("builtins.dict", "builtins.list") and func.attr == "copy":
            return of
        if of.name in ("pandas.DataFrame", "pandas.Series"):
            kept = (
                "head",
                "tail",
                "copy",
                "dropna",
                "fillna",
                "merge",
                "reset_index",
                "sort_values",
                "rename",
                "query",
            )
            return Kind("builtins.str" if func.attr in ("to_json",) else of.name if func.attr in kept else "unknown")
        return self._instance(dotted)

    def _of_class(self, cls: ast.ClassDef, module: Module, depth: int = 0) -> Kind:
        for base in cls.bases:
            dotted = module.dotted(base)
            if dotted in CARRIED:
                return Kind(CARRIED[dotted])
            found = self._class(dotted, module.path) if depth < 5 else None
            kind = self._of_class(*found, depth + 1) if found is not None else UNKNOWN
            if kind.name.startswith("builtins."):
                return kind
        # kombu's JSON asks an object for __json__().
        if any(isinstance(one, ast.FunctionDef) and one.name == "__json__" for one in cls.body):
            return Kind("builtins.dict")
        return Kind(f"{module.name}.{cls.name}")

    def _instance(self, dotted: str) -> Kind:
        """An instance of a class of the project."""
        found = self._class(dotted, self._module.path)
        return self._of_class(*found) if found is not None else UNKNOWN

    def _class(self, dotted: str, near: str) -> tuple[ast.ClassDef, Module] | None:
        owner, _, name = dotted.rpartition(".")
        if not name[:1].isupper():
            return None
        for _ in range(4):
            module = self._modules.named(owner, near=near) if owner else None
            if module is None:
                return None
            cls = next((one for one in module.tree.body if isinstance(one, ast.ClassDef) and one.name == name), None)
            if cls is not None:
                return cls, module
            further = module.names.get(name, "")
            if not further or further == f"{owner}.{name}":
                return None
            owner, _, name = further.rpartition(".")
        return None


def _assigned(node: ast.AST, name: str) -> ast.expr | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            return value
        case ast.AnnAssign(target=ast.Name(id=target), value=value) if target == name:
            return value
        case ast.withitem(context_expr=value, optional_vars=ast.Name(id=target)) if target == name:
            is_file = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "open"
            return value if is_file else None
    return None


def _binds(node: ast.AST, name: str) -> bool:
    """Whether a name is bound here: a bare ``x: int`` does not, nor a name that only belongs to a known assignment."""
    match node:
        case ast.Assign(targets=targets):
            return any(_has(target, name) for target in targets)
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            return _has(target, name)
        case ast.NamedExpr(target=target):
            return _has(target, name)
        case ast.withitem(optional_vars=target) if target is not None:
            return _has(target, name)
        case ast.ExceptHandler(name=bound):
            return bound == name
    return False


def _has(target: ast.expr, name: str) -> bool:
    if isinstance(target, (ast.Attribute, ast.Subscript)):
        return False
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(target))


def _added(own: Sequence[ast.AST], name: str) -> list[ast.expr]:
    """What is put into a container: ``x[k] = v``, ``x.append(v)``."""
    added: list[ast.expr] = []
    for node in own:
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=target))], value=value) if target == name:
                added.append(value)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=target), attr="append" | "add" | "insert"), args=[*_, value]
            ) if target == name:
                added.append(value)
    return added


def _flat(kinds: Iterable[Iterable[str]]) -> list[str]:
    return [name for some in kinds for name in some]


def _unique(kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kinds))
