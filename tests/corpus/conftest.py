"""The projects of the corpus are data: none of their files is a test, nor imported."""

collect_ignore_glob = ["*/project/*"]
