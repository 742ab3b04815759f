"""Mending: what ``rootcellar check --fix`` writes into a project's files."""
