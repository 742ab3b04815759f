"""Use notes: the uses found in one module, each once, however often its code is walked through."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import proxy

from rootcellar.specialist.discover.results.flow.attributes import variable_of
from rootcellar.specialist.discover.results.flow.celery_names import POLLED, WAIT_ARGUMENTS, WAITS
from rootcellar.specialist.discover.results.flow.frames import Frame, Loop
from rootcellar.specialist.discover.results.flow.things import Method, Result
from rootcellar.specialist.profile import Place, Unknown, Use, Value

if TYPE_CHECKING:
    from rootcellar.specialist.discover.results.flow.module_flow import Flow

#: keyword arguments of a send that are the task's own, or the message's
_NOT_OPTIONS = frozenset({"args", "kwargs", "headers", "name"})


class UseNotes:
    """Collects uses. While ``is_silent`` it does not."""

    def __init__(self, flow: "Flow") -> None:
        self._flow: Flow = proxy(flow)  # no cycle: see discover/collecting.py
        self._noted: dict[tuple[str, Place, str], Use] = {}
        self.is_silent = False

    def all(self) -> list[Use]:
        """Return the uses in the order of their places."""
        return sorted(self._noted.values(), key=lambda use: (use.place, use.kind))

    def add(
        self,
        frame: Frame,
        kind: str,
        node: ast.AST,
        attribute: str = "",
        tasks: Iterable[str] = (),
        variable: str = "",
        arguments: Mapping[str, Value] | None = None,
        *,
        is_elsewhere: bool = False,
    ) -> None:
        """Note one use; it stands where the method's or attribute's name does, for a long chain of calls has lines."""
        if self.is_silent:
            return
        place, context, flow = self._place(node), frame.context, self._flow
        self._noted[kind, place, attribute] = Use(
            kind=kind,
            place=place,
            attribute=attribute,
            tasks=tuple(tasks),
            function=context.function,
            inside_task=context.task,
            is_in_coroutine=context.is_coroutine and not is_elsewhere,
            is_in_loop=context.depth > 0,
            is_in_web=flow.is_web,
            is_in_test=flow.is_test,
            is_ready=bool(variable) and variable in context.ready,
            variable=variable,
            arguments=arguments or {},
        )

    def sent(self, frame: Frame, method: Method, node: ast.Call, tasks: tuple[str, ...]) -> None:
        """Note a send, with its options."""
        given = self._keywords(frame, method, node) if method.name not in ("delay", "delay_on_commit") else {}
        options = {name: value for name, value in given.items() if name not in _NOT_OPTIONS}
        self.add(frame, "send", node, method.name, tasks, "", options, is_elsewhere=method.is_elsewhere)

    def waited(self, frame: Frame, method: Method, node: ast.Call, result: Result) -> None:
        """Note a wait, with its arguments, those of the positional ones that have names too."""
        calls = [method.given, node] if method.given is not None else [node]
        positional = [argument for call in calls for argument in call.args]
        given = self._keywords(frame, method, node)
        spread = next((one.value for call in calls for one in call.keywords if one.arg is None), None)
        if spread is not None:
            known = self._flow.value(frame, spread).data
            if not isinstance(known, dict) or "timeout" in known:
                given.setdefault("timeout", Value(Unknown("an argument that is spread")))
        if method.name in ("get", "wait", "join", "join_native"):
            for name, argument in zip(WAIT_ARGUMENTS, positional, strict=False):
                if isinstance(argument, ast.Starred):
                    break
                given[name] = self._flow.value(frame, argument)
        is_allowed = given.get("disable_sync_subtasks")
        kind, is_elsewhere = WAITS[method.name], method.is_elsewhere
        if is_allowed is not None and is_allowed.is_known and not is_allowed.data:
            self.add(frame, "allow_join", node, method.name, result.tasks, method.variable)
        elif frame.context.joins:
            # What the block around it comes to.
            given["disable_sync_subtasks"] = Value(False)
        self.add(frame, kind, node, method.name, result.tasks, method.variable, given, is_elsewhere=is_elsewhere)

    def ours(self, frame: Frame, kind: str, name: str, node: ast.Call, tasks: tuple[str, ...]) -> None:
        """Note a call of ours that is given a result: none of them blocks an event loop."""
        given = {one.arg: self._flow.value(frame, one.value) for one in node.keywords if one.arg is not None}
        if name == "get" and len(node.args) > 1:
            given["timeout"] = self._flow.value(frame, node.args[1])
        variable = variable_of(node.args[0]) if node.args else ""
        self.add(frame, kind, node, name, tasks, variable, given, is_elsewhere=True)

    def looked(self, frame: Frame, method: Method, node: ast.Call, result: Result) -> None:
        """Note a call that looks at a result without waiting."""
        self._asked(frame, method.name, method.variable, result)
        is_elsewhere = method.is_elsewhere
        self.add(frame, "read", node, method.name, result.tasks, method.variable, is_elsewhere=is_elsewhere)

    def read(self, frame: Frame, node: ast.Attribute, result: Result) -> None:
        """Note an attribute that is read."""
        variable = variable_of(node.value)
        self._asked(frame, node.attr, variable, result)
        self.add(frame, "read", node, node.attr, result.tasks, variable)

    def left(self, frame: Frame, loop: Loop, node: ast.While | ast.For | ast.AsyncFor) -> None:
        """A loop is at its end: note it if it polls, else leave what it asks and sleeps to the loop around it."""
        own = [one for one in loop.asked if one[1].partition(".")[0] not in loop.targets and one[1] not in loop.sent]
        polls = loop.tested or (own if loop.sleeps else [])
        if polls:
            attribute, variable, _ = polls[0]
            tasks = dict.fromkeys(name for one in polls for name in one[2])
            self.add(frame, "poll", node, attribute, tasks, variable)
        elif frame.context.loops:
            around = frame.context.loops[-1]
            around.asked.extend(loop.asked)
            around.sleeps = around.sleeps or loop.sleeps

    def _asked(self, frame: Frame, attribute: str, variable: str, result: Result) -> None:
        if attribute in POLLED and frame.context.loops:
            loop = frame.context.loops[-1]
            loop.asked.append((attribute, variable, result.tasks))
            if loop.is_in_test and loop.is_while:
                loop.tested.append((attribute, variable, result.tasks))

    def _keywords(self, frame: Frame, method: Method, node: ast.Call) -> dict[str, Value]:
        calls = [method.given, node] if method.given is not None else [node]
        return {
            one.arg: self._flow.value(frame, one.value)
            for call in calls
            for one in call.keywords
            if one.arg is not None
        }

    def _place(self, node: ast.AST) -> Place:
        named = node.func if isinstance(node, ast.Call) else node
        place = self._flow.module.place(node)
        if isinstance(named, ast.Attribute) and named.end_lineno and named.end_col_offset:
            return replace(place, line=named.end_lineno, column=named.end_col_offset - len(named.attr))
        return place
