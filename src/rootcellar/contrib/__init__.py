"""Helpers for other projects' frameworks. Each is imported only by whoever uses it, and so is the framework."""
