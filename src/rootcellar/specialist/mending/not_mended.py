"""Why an edit is not made."""

from rootcellar.errors import RootcellarError


class NotMended(RootcellarError):
    """An edit is not certain to be right, so it is not made. The message holds no values."""
