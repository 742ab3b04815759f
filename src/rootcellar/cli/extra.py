"""The extra ``check``: what ``inspect``, ``check`` and ``doctor`` need besides the base installation."""

from importlib import import_module

from rootcellar.errors import MissingPackage


def require_check_extra(command: str) -> None:
    """Do nothing where the packages are there.

    Raises:
        MissingPackage: one of them is not; the message has the line that installs them.
    """
    for package in ("yaml", "packaging"):
        try:
            import_module(package)
        except ImportError as exc:
            raise MissingPackage(
                f"rootcellar {command} needs a package that cannot be imported ({exc}). Install it: "
                "pip install 'rootcellar[check]'"
            ) from exc
