from celery import chain, chord, group

from survey.app import app


@app.task
def count_words(path):
    with open(path) as stream:
        return len(stream.read().split())


@app.task(ignore_result=True)
def log_document(path):
    print(path)


@app.task
def add_up(counts):
    return sum(count or 0 for count in counts)


@app.task(bind=True)
def whole_archive(self, paths):
    counted = group(count_words.s(path) for path in paths)()
    return sum(counted.get(timeout=60))


@app.task
def one_archive(paths):
    counting = chord([count_words.s(path) for path in paths])(add_up.s())
    return counting.get(timeout=60, disable_sync_subtasks=False)


def log_all(paths):
    return chord([log_document.s(path) for path in paths])(add_up.s())


def log_one(path):
    logged = log_document.delay(path)
    return logged.get(timeout=5)


def in_turn(path):
    return chain(count_words.si(path), log_document.si(path)).delay().id
