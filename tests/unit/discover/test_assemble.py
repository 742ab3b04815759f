"""The whole of a project read: what is kept of it, and what is not."""

import ast
import gc
import subprocess
import sys
from pathlib import Path

from corpus.reading import cases, lay_out
from project_files import lay_out as lay_out_files
from rootcellar.specialist.discover.assemble import profile_of

#: what a run of the interpreter with rootcellar imported may need besides; the whole is to stay below 300 MB
MOST_KB = 300_000

READ = """
import resource, sys
from pathlib import Path
from rootcellar.specialist.check import check
from rootcellar.specialist.inspection import inspection_of
from rootcellar.specialist.rules import all_rules
seen = inspection_of(Path(sys.argv[1]))
report = check(seen.project, all_rules())
assert not report.failures, report.failures
print(len(seen.profile.tasks), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_no_syntax_tree_outlives_the_reading_though_nothing_collects_cycles(tmp_path: Path) -> None:
    roots = [lay_out(case, tmp_path / case.slug) for case in cases()[:12]]
    gc.collect()
    before = {id(one) for one in gc.get_objects() if type(one) is ast.Module}  # other tests'
    gc.disable()
    try:
        profiles = [profile_of(root) for root in roots]
        assert not gc.isenabled()
        left = sum(type(one) is ast.Module and id(one) not in before for one in gc.get_objects())
    finally:
        gc.enable()
    assert left == 0
    assert sum(len(profile.tasks) for profile in profiles) > 10


def test_the_collector_is_on_again_afterwards(tmp_path: Path) -> None:
    profile_of(tmp_path)
    assert gc.isenabled()


def test_two_thousand_files_take_less_than_300_mb_and_none_is_imported(tmp_path: Path) -> None:
    body = "".join(
        f"""
@shared_task(bind=True)
def task_{number}(self, item, limit=None):
    values = [dict(item=item, at=index).get("item") for index in range(limit or {number})]
    return {{"values": values, "count": len(values)}}


def call_{number}(item):
    return task_{number}.delay(item).get(timeout=5)

"""
        for number in range(8)
    )
    module = f"from celery import shared_task\n\n{body}\nraise SystemExit('imported')\n"
    files: dict[str, str | bytes] = {f"package_{n % 50}/module_{n}.py": module.encode() for n in range(2000)}
    files["app.py"] = b"from celery import Celery\napp = Celery('big', backend='redis://localhost/1')\n"
    lay_out_files(tmp_path, files)
    run = subprocess.run([sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, check=True)
    tasks, peak_kb = map(int, run.stdout.split())
    assert tasks == 16_000
    assert peak_kb < MOST_KB
