"""A process of its own for what needs Django, which can be set up but once, and not differently for other tests.

It is told what to observe, a JSON object a line, and answers with an observation a line.
"""

import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

    from claims.engines.django_worlds import DjangoCache, DjangoDatabase, set_up
    from claims.engines.observing import observe

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anything else prints is no answer
    path = Path(sys.argv[1]) / "django.db"
    set_up(path)
    worlds = {"django-db": DjangoDatabase(path), "django-cache": DjangoCache()}
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(observe(worlds[asked["engine"]], asked["conf"], is_offline=asked["is_offline"])), file=answers)
        answers.flush()
