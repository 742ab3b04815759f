import langdetect

from translate.app import app


@app.task
def languages(texts):
    found = {langdetect.detect(text) for text in texts}
    return found


@app.task
def words(text):
    return sorted(set(text.split()))


@app.task
def split(text):
    head, _, tail = text.partition(".")
    return head, tail


@app.task
def reader(path):
    return open(path)


@app.task
def chunks(text, size):
    return (text[start : start + size] for start in range(0, len(text), size))
