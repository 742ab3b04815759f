"""``python -m rootcellar``: the command."""

from rootcellar.cli import main

main()
