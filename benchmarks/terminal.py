"""The table on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.comparison import Comparison
from benchmarks.figures import format_figure, format_ratio, format_target, sections

_MARKS = {True: "[green]✓[/]", False: "[red]✗ missed[/]", None: ""}


def show(comparisons: Sequence[Comparison], console: Console) -> None:
    """Print one table for each section."""
    for section, theirs, group in sections(comparisons):
        table = Table(title=section, title_justify="left", title_style="bold")
        table.add_column("", no_wrap=True)
        table.add_column("measured", no_wrap=True)
        for name in (theirs, "rootcellar", "ratio", "target"):
            table.add_column(name, justify="right")
        table.add_column("met")
        previous = None
        for one in group:
            if previous not in (None, one.row):
                table.add_section()
            table.add_row(
                one.row if previous != one.row else "",
                one.column,
                format_figure(one.theirs, one.unit),
                format_figure(one.ours, one.unit),
                format_ratio(one.ratio),
                format_target(one.target),
                _MARKS[one.is_met],
            )
            previous = one.row
        console.print(table)
