from solar.panels import power, tilt


def follow(panel, degrees, sun):
    turned = tilt.delay(panel, degrees)
    panel = turned.get(timeout=30)
    now = power.delay(panel, sun).get(timeout=30)
    return now > panel.get("expected", 0)
