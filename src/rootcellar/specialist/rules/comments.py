"""Rules about ``# rootcellar: ignore[…]`` comments themselves."""

from collections.abc import Iterator

from rootcellar.specialist.rules.comment import Comment
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.rule import comment_rule, found


@comment_rule("RC001")
def ignore_without_reason(comment: Comment) -> Iterator[Finding]:
    """The comment ignores something and does not say why."""
    if comment.selectors and not comment.has_reason:
        yield found(comment.place, f"{', '.join(comment.selectors)} is ignored here, and it is not said why.")


@comment_rule("RC002")
def unused_ignore(comment: Comment) -> Iterator[Finding]:
    """The comment ignores what is not found there."""
    if comment.unused:
        where = f"on line {comment.covers}" if comment.covers else "in this file"
        yield found(comment.place, f"{', '.join(comment.unused)} is ignored, and is not found {where}.")


@comment_rule("RC003")
def ignore_of_no_rule(comment: Comment) -> Iterator[Finding]:
    """The comment names no rule, or asks for something that is not there to be asked for."""
    if not comment.verb:
        yield found(
            comment.place,
            "This comment begins with `rootcellar:` and goes on with neither `ignore[…]` nor `ignore-file[…]`, so it "
            "does nothing.",
        )
        return
    for unknown, nearest in zip(comment.unknown, comment.nearest, strict=True):
        hint = f" Did you mean {nearest!r}?" if nearest else ""
        yield found(comment.place, f"`{comment.verb}[{unknown}]` names no rule, so it ignores nothing.{hint}")
    if not comment.selectors and not comment.unknown:
        yield found(comment.place, f"`{comment.verb}` names no rule, so it ignores nothing.")
