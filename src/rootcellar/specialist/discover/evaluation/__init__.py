"""Evaluation, in parts. :mod:`rootcellar.specialist.discover.evaluate` is the way in."""
