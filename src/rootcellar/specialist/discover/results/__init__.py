"""Tasks, and what becomes of their results: by the flow of values through each module."""
