import feedparser
import httpx
from celery import shared_task


@shared_task(name="podcasts.fetch", bind=True, autoretry_for=(httpx.HTTPError,))
def fetch(self, url):
    answer = httpx.get(url, timeout=20)
    feed = feedparser.parse(answer.text)
    return [entry.get("link") for entry in feed.entries]


@shared_task(name="podcasts.transcribe", time_limit=3600)
def transcribe(url):
    return {"url": url, "text": ""}
