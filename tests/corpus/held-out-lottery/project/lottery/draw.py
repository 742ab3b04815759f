import random
from dataclasses import dataclass

from lottery.app import app


@dataclass
class Ticket:
    number: int
    numbers: tuple


@app.task
def ticket(number):
    return Ticket(number, tuple(sorted(random.sample(range(1, 50), 6))))


@app.task(ignore_result=True)
def announce(numbers):
    print("the numbers are", numbers)


def evening(count):
    sold = [ticket.delay(number) for number in range(count)]
    tickets = [sale.get(timeout=10) for sale in sold]
    told = announce.delay([one.numbers for one in tickets])
    told.get(timeout=10)
    return tickets
