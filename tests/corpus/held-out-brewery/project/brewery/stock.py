"""What is in the cellar: nothing here has to do with tasks."""


class Stock:
    def __init__(self) -> None:
        self._kegs: dict[str, int] = {}
        self.state = "open"

    def get(self, name: str) -> int:
        return self._kegs.get(name, 0)


async def kegs(stock: Stock, name: str) -> int:
    if stock.state != "open":
        return 0
    return stock.get(name)
