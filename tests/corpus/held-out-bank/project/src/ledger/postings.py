from decimal import Decimal
from typing import Any

from ledger.celeryapp import app


@app.task(name="ledger.post")
def post(account: str, amount: str) -> dict[str, Any]:
    return {"account": account, "amount": Decimal(amount)}
