from tickets.main import close


def close_all(numbers):
    sent = [close.delay(number) for number in numbers]
    return [result.get(timeout=10).get("state") for result in sent]
