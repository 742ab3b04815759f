"""An app's changes: everything in the code that configures an app, in the order in which it is written."""

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.configuration.app_names import AppNames
from rootcellar.specialist.discover.configuration.app_uses import AppUses, Handed
from rootcellar.specialist.discover.configuration.changes import Changes, Given, Periodic, Source
from rootcellar.specialist.discover.configuration.creations import Creation
from rootcellar.specialist.discover.configuration.evaluation.arguments import Arguments, arguments_of, as_mapping
from rootcellar.specialist.discover.configuration.evaluation.bindings import certainty
from rootcellar.specialist.discover.configuration.evaluation.follow import bind
from rootcellar.specialist.discover.configuration.evaluation.frames import Binding, Body, Guard, parameters
from rootcellar.specialist.discover.configuration.evaluation.scope import Scope
from rootcellar.specialist.discover.configuration.evaluation.texts import unknown_of
from rootcellar.specialist.discover.configuration.placed import Definition, Instance, PlacedDict
from rootcellar.specialist.discover.configuration.settings_names import new_names
from rootcellar.specialist.discover.configuration.settings_object import members
from rootcellar.specialist.profile import Place, Ref, Unknown, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator
    from rootcellar.specialist.discover.modules import Module, Modules

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: Positional parameters of Celery(...) behind the name, as in ``celery.app.base.Celery.__init__``.
POSITIONAL = (
    "main", "loader", "backend", "amqp", "events", "log", "control", "set_as_current", "tasks", "broker", "include",
    "changes", "config_source", "fixups", "task_cls", "autofinalize", "namespace",
)  # fmt: skip
#: What names of Celery's settings and of a project's own begin with.
_SHARED = ("redis_", "database_", "mongodb_", "security_", "event_", "s3_", "cache_")
#: Those that are no settings.
_NO_SETTINGS = frozenset({*POSITIONAL, "strict_typing", "config_source_silent"}) - {"backend", "broker", "include"}


def changes_of(modules: "Modules", evaluator: "Evaluator", creation: Creation, uses: AppUses) -> Changes:
    """Return everything that configures an app."""
    return _Reader(modules, evaluator, creation, uses).read()


class _Reader:
    def __init__(self, modules: "Modules", evaluator: "Evaluator", creation: Creation, uses: AppUses) -> None:
        self._uses = uses
        self._modules = modules
        self._evaluator = evaluator
        self._creation = creation
        self._names = AppNames(modules, evaluator, creation)
        self._changes = Changes()
        self._seen: set[tuple[str, int]] = set()
        self._given: dict[tuple[str, Place], list[Given]] = {}

    def read(self) -> Changes:
        creation = self._creation
        scope = self._scope(creation.module, creation.body, creation.bound)
        call = creation.call
        self._constructed(arguments_of(self._evaluator, call, scope.at((call.lineno, call.col_offset))), scope)
        if creation.subclass:
            self._subclass(creation.subclass)
        self._body(creation.module, creation.body, frozenset(creation.names), creation.bound)
        owner = self._evaluator.enclosing(creation.module, creation.body)
        if isinstance(owner, ast.ClassDef):
            for node in owner.body:
                if isinstance(node, _FUNCTIONS) and node is not creation.body:
                    self._body(creation.module, node, frozenset(one for one in creation.names if "." in one), {})
        if self._names.dotted:
            self._elsewhere()
        return self._changes

    def _scope(self, module: "Module", body: Body, bound: Mapping[str, Value]) -> Scope:
        return replace(self._evaluator.scope_of(module, body), bound=bound)

    def _constructed(self, arguments: Arguments, scope: Scope) -> None:
        changes = self._changes
        place = scope.module.place(arguments.node)
        given = dict(zip(POSITIONAL, arguments.args, strict=False))
        places = {name: scope.module.place(node) for name, node in zip(POSITIONAL, arguments.node.args, strict=False)}
        given.update(arguments.kwargs)
        places.update(arguments.places)
        for why in arguments.unknown:
            changes.know_not(f"Celery(...) is given more: {why}")
        namespace = given.get("namespace")
        if namespace is not None and isinstance(namespace.data, str):
            changes.namespace = namespace.data
        source = given.get("config_source")
        if source is not None and source.data is not None:
            changes.sources.append(Source(source, scope, places["config_source"]))
        more = given.get("changes")
        if more is not None and more.data is not None:
            self._take(more, "mapping", places["changes"], conditional=False)
        for name, value in given.items():
            # Celery leaves out what is None, so that the configuration decides.
            if name not in _NO_SETTINGS and not (value.is_known and value.data is None):
                changes.own.append(Given(name, value, places.get(name, place), "keyword"))

    def _subclass(self, name: str) -> None:
        found = self._evaluator.resolve(name).data
        if isinstance(found, Definition) and isinstance(found.node, ast.ClassDef) and found.scope is not None:
            for node in found.node.body:
                if isinstance(node, _FUNCTIONS) and node.args.args:
                    self._body(found.scope.module, node, frozenset({node.args.args[0].arg}), {})

    def _elsewhere(self) -> None:
        """Look at every function and module that knows the app by its full name."""
        modules, own = self._modules, self._creation.module.path
        paths = self._uses.of(self._names.dotted, is_only=self._names.is_only)
        for path in sorted(paths, key=lambda path: (path != own, path)):
            module = modules.at(path)
            if module is None:
                continue
            self._body(module, module.tree, frozenset(), {})
            for node in module.nodes:
                if isinstance(node, _FUNCTIONS):
                    self._body(module, node, frozenset(), {})
        for name in sorted(self._names.dotted):
            for handed in self._uses.handed.get(name, ()):
                self._handed(handed)

    def _handed(self, handed: Handed) -> None:
        """Follow the app into a function that some module hands it to."""
        evaluator = self._evaluator
        module, other = self._modules.at(handed.path), self._modules.at(handed.call_path)
        if module is None or other is None:
            return
        function = _node_at(module, _FUNCTIONS, handed.function)
        call = _node_at(other, (ast.Call,), handed.call)
        if isinstance(function, _FUNCTIONS) and isinstance(call, ast.Call):
            here = evaluator.scope_of(other, evaluator.enclosing(other, call)).at(handed.call)
            definition = evaluator.definition(function, function.name, evaluator.module_scope(module))
            bound = bind(evaluator, definition, arguments_of(evaluator, call, here))
            self._body(module, function, handed.names, bound, is_handed=True)

    # A body, statement by statement.

    def _body(
        self,
        module: "Module",
        body: Body,
        names: frozenset[str],
        bound: Mapping[str, Value],
        *,
        is_handed: bool = False,
    ) -> None:
        key = (module.path, id(body)) if not is_handed else (f"{module.path} handed", id(body))
        if key in self._seen or not (names or self._names.dotted):
            return
        self._seen.add(key)
        scope = self._scope(module, body, bound)
        names = names | self._names.aliases(scope, names)
        events: list[tuple[tuple[int, int], Binding | tuple[ast.Call, tuple[Guard, ...]]]] = []
        for bindings in scope.frame.bindings.values():
            for one in bindings:
                if one.kind in ("item", "attribute"):
                    events.append((one.position, one))
                elif one.kind == "assign" and isinstance(one.node, ast.Call):
                    events.append((one.position, (one.node, one.guards)))
                elif one.kind == "function" and isinstance(one.node, _FUNCTIONS):
                    self._handler(one.node, scope, names)
        events.extend(((call.lineno, call.col_offset), (call, guards)) for call, guards in scope.frame.calls)
        events.extend(
            ((node.lineno, node.col_offset), (node.value, guards))
            for node, guards in scope.frame.returns
            if isinstance(node.value, ast.Call)
        )
        for _, event in sorted(events, key=lambda one: one[0]):
            if isinstance(event, Binding):
                self._assigned(event, scope, names)
            else:
                self._called(event[0], event[1], scope, names)

    def _assigned(self, binding: Binding, scope: Scope, names: frozenset[str]) -> None:
        target, node = binding.target, binding.node
        if isinstance(node, ast.AugAssign):
            target = node.target
        value_node = getattr(node, "value", None)
        if not isinstance(target, (ast.Attribute, ast.Subscript)) or not isinstance(value_node, ast.expr):
            return
        here = scope.at(binding.position)
        if self._names.is_conf(target.value, scope, names):
            runs = certainty(self._evaluator, binding.guards, scope)
            if runs is False or self._looped(binding, here):
                return
            name = target.attr if isinstance(target, ast.Attribute) else self._key(target.slice, here)
            if name is None:
                self._changes.know_not("a setting is changed whose name is not known")
                return
            value = self._evaluator.evaluate(value_node, here)
            if isinstance(node, ast.AugAssign):
                value = unknown_of(value, why=f"{name} is changed by what it was before")
            origin = "attribute" if isinstance(target, ast.Attribute) else "item"
            self._set(Given(name, value, scope.module.place(target), origin, runs is None))
        elif isinstance(target, ast.Subscript) and isinstance(target.value, (ast.Attribute, ast.Subscript)):
            name = self._inner(target.value, here, names)
            key = self._key(target.slice, here)
            if name is not None:
                part = PlacedDict()
                if key is not None:
                    part.put(key, self._evaluator.evaluate(value_node, here), scope.module.place(target))
                else:
                    part.unknown.append("a key that is not known")
                self._extend(name, part, scope.module.place(target))

    def _inner(self, node: ast.Attribute | ast.Subscript, scope: Scope, names: frozenset[str]) -> str | None:
        """Return the setting of ``app.conf.beat_schedule`` where it is changed in place."""
        if not self._names.is_conf(node.value, scope, names):
            return None
        return node.attr if isinstance(node, ast.Attribute) else self._key(node.slice, scope)

    def _extend(self, name: str, part: PlacedDict, place: Place) -> None:
        known = [one for one in self._changes.own if one.written == name]
        whole = PlacedDict()
        if known and isinstance(known[-1].value.data, dict):
            whole.take(known[-1].value.data, known[-1].place)
        elif known:
            whole.unknown.append(known[-1].value.why)
        whole.take(part, place)
        given = Given(name, Value(whole), known[-1].place if known else place, known[-1].origin if known else "item")
        if known:
            self._changes.own.remove(known[-1])
        self._changes.own.append(given)

    def _looped(self, binding: Binding, scope: Scope) -> bool:
        """``for key, value in settings.items(): app.conf[key] = value``."""
        for guard in binding.guards:
            if guard.kind == "loop" and isinstance(guard.node, (ast.For, ast.AsyncFor)):
                match guard.node.iter:
                    case ast.Call(func=ast.Attribute(value=inner, attr="items"), args=[]):
                        place = scope.module.place(guard.node)
                        self._take(self._evaluator.evaluate(inner, scope), "mapping", place, conditional=False)
                        return True
        return False

    def _key(self, node: ast.expr, scope: Scope) -> str | None:
        value = self._evaluator.evaluate(node, scope)
        return value.data if isinstance(value.data, str) and value.is_known else None

    def _called(self, call: ast.Call, guards: tuple[Guard, ...], scope: Scope, names: frozenset[str]) -> None:
        runs = certainty(self._evaluator, guards, scope)
        if runs is False:
            return
        here = scope.at((call.lineno, call.col_offset))
        func = call.func
        if isinstance(func, ast.Attribute) and self._names.is_app(func.value, scope, names):
            self._app_method(call, func.attr, here, conditional=runs is None)
        elif isinstance(func, ast.Attribute) and self._names.is_conf(func.value, scope, names):
            self._conf_method(call, func.attr, here, conditional=runs is None)
        elif (
            isinstance(func, ast.Attribute)
            and func.attr == "update"
            and isinstance(func.value, ast.Attribute | ast.Subscript)
        ):
            name = self._inner(func.value, here, names)
            if name is not None:
                arguments = arguments_of(self._evaluator, call, here)
                part = as_mapping(arguments, scope.module.place(call))
                for value in arguments.args[:1]:
                    part.take(self._evaluator.mapping(value) or {}, scope.module.place(call))
                self._extend(name, part, scope.module.place(call))
        elif isinstance(func, ast.Name) and func.id == "setattr" and len(call.args) == 3:
            if self._names.is_conf(call.args[0], scope, names) and (name := self._key(call.args[1], here)) is not None:
                value = self._evaluator.evaluate(call.args[2], here)
                self._set(Given(name, value, scope.module.place(call), "attribute", runs is None))
        else:
            self._handed_on(call, here, names)

    def _app_method(self, call: ast.Call, method: str, scope: Scope, *, conditional: bool) -> None:
        evaluator, changes = self._evaluator, self._changes
        place = scope.module.place(call)
        if method == "add_periodic_task":
            changes.periodic.append(Periodic(call, scope))
            return
        if method not in ("config_from_object", "config_from_envvar", "add_defaults"):
            return
        arguments = arguments_of(evaluator, call, scope)
        first = arguments.get(0, "obj", "variable_name", "fun") or Value(Unknown("an argument that is not known"))
        namespace = arguments.get(3, "namespace")
        if namespace is not None and method == "config_from_object" and namespace.data is not None:
            if isinstance(namespace.data, str):
                changes.namespace = namespace.data
            else:
                changes.know_not(f"the namespace of the configuration is not known: {namespace.why}")
        if method == "config_from_object":
            self._source(Source(first, scope, place, conditional))
        elif method == "config_from_envvar":
            name = first.data if isinstance(first.data, str) else ""
            found = evaluator.environment.get(name, scope.module.path)
            why = f"the module named by the environment variable {name or 'of a name that is not known'}"
            value = Value(found[0], (), (name,), (found[1],)) if found is not None else Value(Unknown(why))
            self._source(Source(value, scope, place, conditional))
        else:
            given = evaluator.called(first, scope) if isinstance(first.data, Definition) else first
            self._take(given, "mapping", place, conditional=conditional, is_default=True)

    def _source(self, source: Source) -> None:
        if not source.is_conditional:
            self._changes.sources.clear()  # each replaces what was there
        self._changes.sources.append(source)

    def _conf_method(self, call: ast.Call, method: str, scope: Scope, *, conditional: bool) -> None:
        if method not in ("update", "setdefault", "add_defaults", "__setitem__"):
            return
        place = scope.module.place(call)
        arguments = arguments_of(self._evaluator, call, scope)
        if method in ("setdefault", "__setitem__"):
            name = arguments.text(0)
            known = any(one.written == name for one in self._changes.own)
            if name and len(arguments.args) > 1 and not (known and method == "setdefault"):
                self._set(Given(name, arguments.args[1], place, "item", conditional))
            return
        for value in arguments.args[:1]:
            self._take(value, "update", place, conditional=conditional, is_default=method == "add_defaults")
        self._take(Value(as_mapping(arguments, place)), "update", place, conditional=conditional)

    def _take(self, value: Value, origin: str, place: Place, *, conditional: bool, is_default: bool = False) -> None:
        mapping = self._evaluator.mapping(value)
        is_wholesale = self._is_flask(value)
        if mapping is None and isinstance(value.data, (Instance, Ref)):
            scope = self._evaluator.module_scope(self._creation.module)
            taken = members(self._evaluator, value, scope, lambda name: not name.startswith("_"))
            mapping = PlacedDict()
            for one in taken:
                mapping.put(one.name, one.value, one.place, is_conditional=one.is_conditional)
            is_wholesale = True
        if mapping is None or (is_wholesale and not mapping and not isinstance(value.data, dict)):
            self._changes.know_not(value.why or "a part of the configuration is no dict that this reader follows")
            return
        for why in mapping.unknown:
            self._changes.know_not(why)
        for key, entry, where, maybe in mapping.placed():
            if isinstance(key, str) and not (isinstance(value.data, Instance) and _is_the_projects(key)):
                at = where if where.path else place
                given = Given(key, entry, at, origin, conditional or maybe, is_wholesale)
                self._changes.defaults.append(given) if is_default else self._set(given)

    def _is_flask(self, value: Value) -> bool:
        return any(
            value.data is kept.data
            for key, kept in self._evaluator.memory.items()
            if isinstance(key, tuple) and key[:1] == ("flask",)
        )

    def _set(self, given: Given) -> None:
        same = self._given.setdefault((given.written, given.place), [])
        if given not in same:
            same.append(given)
            self._changes.own.append(given)

    # Functions that the app is handed to.

    def _handler(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, names: frozenset[str]) -> None:
        """``@app.on_after_configure.connect def setup(sender, **kwargs)``: the sender is the app."""
        for decorator in node.decorator_list:
            inner = decorator.func if isinstance(decorator, ast.Call) else decorator
            if not isinstance(inner, ast.Attribute) or inner.attr != "connect":
                continue
            signal = inner.value
            if not isinstance(signal, ast.Attribute):
                continue
            is_signal = signal.attr.startswith("on_")
            if is_signal and self._names.is_app(signal.value, scope, names) and node.args.args:
                first = frozenset({node.args.args[0].arg})
                self._body(scope.module, node, first, {}, is_handed=True)

    def _handed_on(self, call: ast.Call, scope: Scope, names: frozenset[str]) -> None:
        """``configure(app)``: follow the app into a function of the project."""
        positions: list[int | str] = [n for n, one in enumerate(call.args) if self._names.is_made(one, scope, names)]
        positions += [one.arg for one in call.keywords if one.arg and self._names.is_made(one.value, scope, names)]
        if not positions:
            return
        found = self._evaluator.evaluate(call.func, scope).data
        if not isinstance(found, Definition) or found.scope is None or not isinstance(found.node, _FUNCTIONS):
            return
        spec = [one.arg for one, _ in parameters(found.node)]
        inner = {
            spec[one] if isinstance(one, int) else one
            for one in positions
            if not isinstance(one, int) or one < len(spec)
        }
        bound = dict(bind(self._evaluator, found, arguments_of(self._evaluator, call, scope)))
        self._body(found.scope.module, found.node, frozenset(inner), bound, is_handed=True)


def _is_the_projects(name: str) -> bool:
    """Whether a name of the project's settings at large only begins like one of Celery's: ``redis_url``."""
    return name.lower().startswith(_SHARED) and name.lower() not in new_names()


def _node_at(module: "Module", kinds: tuple[type[ast.AST], ...], position: tuple[int, int]) -> ast.AST | None:
    found = (node for node in module.nodes if isinstance(node, kinds))
    return next((node for node in found if (node.lineno, node.col_offset) == position), None)  # type: ignore[attr-defined]
