from emails.tasks import send


def resend(addresses):
    sent = [send.delay(address) for address in addresses]
    return [result.get(timeout=30) for result in sent]
