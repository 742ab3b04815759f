"""The text form of ``rootcellar doctor``."""

import sys

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rootcellar.specialist.doctor import Cause, Diagnosis, Outcome, Proof
from rootcellar.specialist.secrets import blot_out

#: Columns where the output is no terminal.
_WIDTH = 120
_PROOF = {Proof.SEEN: "seen live", Proof.FOUND: "found in the project", Proof.POSSIBLE: "may contribute"}
_STYLES = {
    Outcome.EXPLAINS: "bold red",
    Outcome.POSSIBLE: "yellow",
    Outcome.CLEARED: "green",
}


class View:
    """Prints a diagnosis; every text is rid of the project's secrets first."""

    def __init__(self, found: Diagnosis, console: Console) -> None:
        self.found = found
        self.console = console

    def show(self) -> None:
        """Print the verdict, what else was found, and what was looked at."""
        found = self.found
        self._line(f"{found.symptom.name}: {found.symptom.meaning}", "bold")
        best = found.explanation
        if best is None:
            seen = sum(one.outcome is Outcome.CLEARED for one in found.looked)
            self._line(f"\nNothing found that explains it; {seen} causes were looked at and are not it.", "bold")
        else:
            self._line("\nThis explains it", "bold red")
            self._cause(best)
        self._causes("Also found", found.others)
        self._causes("May contribute", found.possible)
        self._looked()
        self._not_looked()
        for note in found.notes:
            self._line(note, "yellow")

    def _causes(self, heading: str, causes: tuple[Cause, ...]) -> None:
        if causes:
            self._line(f"\n{heading}", "bold")
            for cause in causes:
                self._cause(cause)

    def _cause(self, cause: Cause) -> None:
        app = f", {cause.app}" if cause.app and len(self.found.apps) > 1 else ""
        self.console.print(
            Text.assemble(
                "  ",
                (self._clean(cause.title), "bold"),
                (self._clean(f"  ({cause.suspect}, {_PROOF[cause.proof]}{app})"), "dim"),
            )
        )
        for text, style in (
            (cause.evidence, ""),
            (cause.why, "dim"),
            (f"Mend: {cause.mend}" if cause.mend else "", "green"),
            (f"Where: {cause.place}" if cause.place is not None else "", "dim"),
        ):
            if text:
                self.console.print(Padding(Text(self._clean(text), style), (0, 0, 0, 6), expand=False))

    def _looked(self) -> None:
        rows = [one for one in self.found.looked if one.outcome is not Outcome.NOT_EXAMINED]
        rules = [one for one in rows if one.outcome is Outcome.CLEARED and one.suspect.startswith("RC")]
        rows = [one for one in rows if one not in rules]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in ("  looked at", "outcome", "what was seen"):
            table.add_column(heading, overflow="fold")
        for one in rows:
            app = f" ({one.app})" if one.app and len(self.found.apps) > 1 else ""
            table.add_row(
                Text(self._clean(f"  {one.title}{app}")),
                Text(str(one.outcome), _STYLES[one.outcome]),
                Text(self._clean(one.said)),
            )
        self._line("\nLooked at", "bold")
        if rows:
            self.console.print(table)
        if rules:
            self._line(f"  {len(rules)} rules of rootcellar check that bear on it found nothing in the files")

    def _not_looked(self) -> None:
        whys: dict[str, list[str]] = {}
        for one in self.found.looked:
            if one.outcome is Outcome.NOT_EXAMINED:
                whys.setdefault(one.said, []).append(one.title)
        if whys:
            self._line("\nNot looked at", "bold")
        for why, titles in whys.items():
            self._line(f"  {why}")
            self.console.print(Padding(Text(self._clean("; ".join(titles)), "dim"), (0, 0, 0, 6), expand=False))

    def _line(self, text: str, style: str = "") -> None:
        self.console.print(Text(self._clean(text), style))

    def _clean(self, text: str) -> str:
        return blot_out(text, self.found.secrets, any_url=False)


def show(found: Diagnosis) -> None:
    """Print a diagnosis on standard output."""
    View(found, Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)).show()
