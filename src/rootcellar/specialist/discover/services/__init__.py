"""What a project runs and talks to, by its compose files, manifests, units and servers' own files."""
