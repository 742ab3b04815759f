from pathlib import Path

ROOT = Path("/srv/lab")
SPOOL = ROOT / "spool"
RESULTS = ROOT / "results"
