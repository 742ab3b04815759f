"""The report of ``rootcellar check``: as text, JSON, SARIF and GitHub annotations."""
