"""Discovery: reads a project's files into a profile. Nothing of the project is imported or run."""
