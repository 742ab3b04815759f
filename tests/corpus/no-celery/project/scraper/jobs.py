from concurrent.futures import ThreadPoolExecutor

import requests

from scraper.cache import seen


class Job:
    def __init__(self, url):
        self.url = url
        self.state = "PENDING"
        self.result = None

    def run(self):
        answer = requests.get(self.url, timeout=10)
        self.state, self.result = "SUCCESS", answer.text
        return self


def run(urls):
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(Job(url).run) for url in urls if not seen(url)]
        return {future.result().url: future.result().state for future in futures}
