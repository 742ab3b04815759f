from celery import chord

from auction.worker import app


@app.task
def check(bid: dict) -> dict:
    return {"bid": bid["id"], "valid": bid["amount"] > 0}


@app.task
def best(checked: list[dict]) -> int | None:
    valid = [one["bid"] for one in checked if one["valid"]]
    return max(valid, default=None)


@app.task(bind=True)
def close(self, bids: list[dict]) -> None:
    raise self.replace(chord([check.s(bid) for bid in bids], best.s()))
