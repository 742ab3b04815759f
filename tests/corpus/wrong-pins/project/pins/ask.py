from pins.app import work


def ask(number):
    return work.delay(number).get(timeout=5)
