from celery import chord

from postoffice.worker import app


@app.task
def weigh(letter):
    return len(letter)


@app.task(name='postoffice.total')
def total(weights):
    return sum(weights)


def sack(letters):
    weights = [weigh.s(letter) for letter in letters]
    answer = chord(weights, total.s()).delay()
    return answer.get(timeout=20)


def one(letter):
    answer = weigh.delay(letter)
    grams = answer.get(timeout=5)
    # the result keeps what it has been told
    return {'grams': answer.get(timeout=5), 'known': grams is not None}
