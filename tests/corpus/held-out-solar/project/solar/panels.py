from solar.application import application


@application.task(ignore_result=False)
def power(panel, sun):
    return panel["area"] * sun * 0.2


@application.task
def tilt(panel, degrees):
    panel["tilt"] = degrees
    return panel
