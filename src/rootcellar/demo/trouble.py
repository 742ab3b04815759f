"""Trouble: what is raised when the demonstration did not go as it should."""

from rootcellar.errors import RootcellarError


class DemoFailed(RootcellarError):
    """The demonstration did not go as it should; ``log_tail`` is what the worker wrote last."""

    def __init__(self, message: str, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail
