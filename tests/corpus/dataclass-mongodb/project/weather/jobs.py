import statistics

from weather.app import app

READINGS = {"LIS": [17.2, 18.9], "OPO": [14.8, 15.1]}


@app.task(rate_limit="10/m")
def station(code):
    return statistics.fmean(READINGS.get(code, [0.0]))


@app.task
def average(values):
    return round(statistics.fmean(values), 1)
