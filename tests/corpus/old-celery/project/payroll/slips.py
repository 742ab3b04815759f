from celery.result import ResultSet

from payroll.jobs import headcount, net


def slips(salaries):
    amounts = ResultSet([net.delay(gross) for gross in salaries])
    return amounts.join(timeout=60)


def people(departments):
    return headcount.delay(departments).get(timeout=60).get("people")
