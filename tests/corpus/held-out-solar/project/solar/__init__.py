from solar.application import application

__all__ = ["application"]
