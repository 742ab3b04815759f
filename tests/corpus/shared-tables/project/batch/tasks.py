from celery import chord

from batch.celery import app


@app.task
def part(number):
    return number * number


@app.task
def total(parts):
    return sum(parts)


def run(numbers):
    return chord(part.s(number) for number in numbers)(total.s()).id
