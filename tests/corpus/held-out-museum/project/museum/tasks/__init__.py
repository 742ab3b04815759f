from .app import app
from .images import scan, tile

__all__ = ["app", "scan", "tile"]
