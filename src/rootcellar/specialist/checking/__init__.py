"""What surrounds the rules of ``rootcellar check``: which ones run, what is ignored, what is known already."""
