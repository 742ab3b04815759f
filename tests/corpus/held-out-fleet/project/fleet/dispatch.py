from fleet.tracking import distance, locate


def nearest(trucks):
    found = [locate.delay(truck) for truck in trucks]
    places = [one.get(timeout=3) for one in found]
    return min(places, key=lambda place: place["lat"])


def driven(truck, days):
    return sum(distance.delay(truck, day).get(timeout=10) for day in days)
