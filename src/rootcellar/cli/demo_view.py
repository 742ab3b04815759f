"""The demonstration's views: a table that lives on a terminal, plain lines elsewhere, and what lay in the store."""

import sys
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rootcellar.demo.call import Call
from rootcellar.demo.play import Played
from rootcellar.record import Record

_STYLES = {"SUCCESS": "green", "FAILURE": "red", "PENDING": "dim", "not sent": "dim"}


class LiveView:
    """A table whose rows change as the calls fare."""

    def __init__(self) -> None:
        self._live = Live(Text("The worker starts …"), refresh_per_second=20)

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, value, trace)

    def update(self, calls: Sequence[Call]) -> None:
        """Show the calls as they stand."""
        self._live.update(_table(calls))


class PlainView:
    """A line for each change of state; none where ``silent``."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._said: dict[int, tuple[str, str, bool]] = {}

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout.flush()

    def update(self, calls: Sequence[Call]) -> None:
        """Print what is new."""
        if self._silent:
            return
        for call in calls:
            now = (call.state, call.answer if call.state == "PROGRESS" else "", call.is_over)
            if call.state == "not sent" or self._said.get(id(call)) == now:
                continue
            if not call.is_over and call.state in ("SUCCESS", "FAILURE"):
                continue  # the outcome follows at once, with its time
            self._said[id(call)] = now
            took = f"  after {call.seconds * 1000:.0f} ms" if call.seconds is not None else ""
            click.echo(f"  {call.kind:<12}  {call.text:<21}  {call.state:<8}  {call.answer}{took}".rstrip())


def _table(calls: Sequence[Call]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    for heading in ("kind", "call", "state"):
        table.add_column(heading, no_wrap=True, min_width=8)
    table.add_column("answer", no_wrap=True, overflow="ellipsis", ratio=1)
    for heading in ("took ms", "woken ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for call in calls:
        table.add_row(
            call.kind,
            call.text,
            Text(call.state, _STYLES.get(call.state, "yellow")),
            Text(call.answer),
            f"{call.seconds * 1000:.0f}" if call.seconds is not None else "",
            f"{call.woken_ms:.1f}" if call.is_over and call.woken_ms is not None else "",
        )
    return table


def show_played(played: Played, *, is_kept: bool) -> None:
    """Print what lay in the store, and the times."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(Text("\nWhat lay in the store, by id:\n"))
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, overflow="ellipsis")
    table.add_column("task", no_wrap=True, min_width=10)
    table.add_column("state", no_wrap=True, min_width=8)
    table.add_column("bytes", justify="right", no_wrap=True, min_width=9)
    table.add_column("done at", no_wrap=True, min_width=12)
    for record in played.records:
        name = (record.name or "").rpartition(".")[2]
        table.add_row(record.id, name, record.state, f"{len(record.payload):,}", _clock(record))
    console.print(table)
    states = ", ".join(f"{count} {state}" for state, count in sorted(played.by_state.items()))
    console.print(Text(f"\n{len(played.records)} records ({states}), {played.bytes_on_disk:,} bytes on disk."))
    woken = [call.woken_ms for call in played.calls if call.woken_ms is not None]
    console.print(
        Text(
            f"The worker was ready after {played.worker_ready_seconds:.1f} s. From the end of a task in the worker to "
            f"the return of get() here it took {min(woken):.1f} ms at best, {sorted(woken)[len(woken) // 2]:.1f} ms in "
            f"the middle; storing is included. All of it took {played.seconds:.1f} s."
        )
    )
    if is_kept:
        console.print(Text(f"The store stays: {played.store_url}"))


def report_of(played: Played, *, is_kept: bool) -> dict[str, Any]:
    """Return the summary for ``--json``: ``ok``, ``calls``, ``store`` and times in seconds and milliseconds."""
    return {
        "ok": True,
        "seconds": played.seconds,
        "worker_ready_seconds": played.worker_ready_seconds,
        "calls": [
            {
                "kind": call.kind,
                "call": call.text,
                "state": call.state,
                "answer": call.answer,
                "seconds": call.seconds,
                "woken_ms": call.woken_ms,
                "states_seen": call.states_seen,
            }
            for call in played.calls
        ],
        "store": {
            "url": played.store_url if is_kept else None,
            "bytes_on_disk": played.bytes_on_disk,
            "by_state": played.by_state,
            "records": [
                {"id": r.id, "name": r.name, "state": r.state, "bytes": len(r.payload), "done_at": r.done_at}
                for r in played.records
            ],
        },
    }


def _clock(record: Record) -> str:
    return "" if record.done_at is None else datetime.fromtimestamp(record.done_at).strftime("%H:%M:%S.%f")[:-3]
