from geo_tasks.tasks import lookup


class Place:
    """What a look-up found: ``state`` is this class's own."""

    def __init__(self, name):
        self.name = name
        self.state = "new"
        self.result = None

    def find(self):
        sent = lookup.apply_async((self.name,), expires=30)
        self.result = sent.get(timeout=10)
        self.state = "found"
        return self.result.get("lat"), self.result.get("lon")
