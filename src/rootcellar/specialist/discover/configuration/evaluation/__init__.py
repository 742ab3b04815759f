"""Evaluation, in parts. :mod:`rootcellar.specialist.discover.configuration.evaluate` is the way in."""
