"""RPC: results that go to the sender, once."""

from collections.abc import Iterator

from rootcellar.specialist.profile import App, Use
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import app_rule, found


@app_rule("RC220")
def read_twice_on_rpc(app: App, project: Project) -> Iterator[Finding]:
    """A second result object for an id whose result the first one has taken."""
    for lookup, read in _second_reads(app, project):
        yield found(
            lookup.place,
            f"A result of this task was read in line {read.place.line}, which took it from the queue: another object "
            "made from its id stays PENDING.",
            related=(read.place,),
        )


@app_rule("RC222")
def read_elsewhere_on_rpc(app: App, project: Project) -> Iterator[Finding]:
    """A result asked for by its id."""
    second = {lookup.place for lookup, _ in _second_reads(app, project)}
    for use in project.uses(app, "lookup"):
        if use.place in second:
            continue
        if use.attribute == "restore":
            message = "A group is restored by its id, which RPC refuses with NotImplementedError: it saves none."
        else:
            message = (
                "A result is looked up by its id: on RPC it lies in the queue of the thread that sent the task, and "
                "here it stays PENDING."
            )
        yield found(use.place, message)


def _second_reads(app: App, project: Project) -> Iterator[tuple[Use, Use]]:
    """Yield the lookups of a result that the same function has already read, with that read."""
    reads = project.uses(app, "get", "join")
    for lookup in project.uses(app, "lookup"):
        before = (
            one
            for one in reads
            if one.function == lookup.function
            and one.place.path == lookup.place.path
            and one.place < lookup.place
            and set(one.tasks) & set(lookup.tasks)
        )
        read = next(before, None)
        if read is not None:
            yield lookup, read


@app_rule("RC221")
def chord_on_rpc(app: App, project: Project) -> Iterator[Finding]:
    """Chords need a place where members' results meet."""
    scheme = project.backend(app).scheme
    if scheme.startswith("cache") and not scheme.endswith("+memory"):
        return
    for use in project.uses(app, "chord"):
        if scheme.startswith("cache"):
            effect = "cache+memory:// lies in each process apart, and no worker learns of it."
        else:
            effect = "the RPC backend raises NotImplementedError when it is sent."
        yield found(use.place, f"This is a chord, as a group followed by a task is too: {effect}")
