import os
from pathlib import Path

import yaml

PATH = Path(os.environ.get("LABS_CONFIG", "config.yml"))


def load():
    with PATH.open() as stream:
        return yaml.safe_load(stream)
