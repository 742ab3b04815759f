from decimal import Decimal

from billing.worker import app


@app.task
def render_invoice(number: int) -> str:
    return f"invoices/{number}.pdf"


@app.task
def total(amounts: list[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), Decimal(0))
