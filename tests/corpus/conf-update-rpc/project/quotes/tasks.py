from quotes.celery import app

PRICES = {"ABC": 10.5, "XYZ": 7.25}


@app.task
def fetch(symbol):
    return PRICES.get(symbol)


@app.task
def merge(prices):
    return min(price for price in prices if price is not None)
