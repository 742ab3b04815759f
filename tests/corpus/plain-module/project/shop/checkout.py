from shop.tasks import charge


def pay(order_id, amount):
    result = charge.delay(order_id, amount)
    return result.get()


def pay_soon(order_id, amount):
    # the till has gone after half a minute
    charge.apply_async((order_id, amount), expires=30)
