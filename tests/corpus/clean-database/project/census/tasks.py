from celery import chord

from census.app import app


@app.task(autoretry_for=(ConnectionError,), max_retries=3)
def region(code):
    return {"code": code, "people": len(code) * 1000}


@app.task
def country(regions):
    return sum(one.get("people", 0) for one in regions)


@app.task(ignore_result=True)
def refresh():
    chord(region.s(code) for code in ("north", "south"))(country.s())
