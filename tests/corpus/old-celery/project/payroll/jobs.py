from datetime import datetime
from decimal import Decimal

from payroll.app import app


@app.task
def net(gross):
    return Decimal(gross) * Decimal("0.72")


@app.task
def paid_at(number):
    return datetime.now()


@app.task(bind=True, ignore_result=False)
def headcount(self, departments):
    return {"people": sum(departments.values()), "counted": datetime.now().isoformat()}
