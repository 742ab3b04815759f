import feedparser

from feeds.celery import app

FEEDS = ["https://example.org/feed.xml", "https://example.com/atom.xml"]


@app.task(rate_limit="30/m")
def refresh(url):
    parsed = feedparser.parse(url)
    return {"url": url, "entries": len(parsed.entries), "title": parsed.feed.get("title", "")}


@app.task(ignore_result=True)
def refresh_all():
    for url in FEEDS:
        refresh.delay(url)
