import httpx

from crawler.app import app


@app.task(soft_time_limit=30)
def fetch(url):
    answer = httpx.get(url, timeout=20)
    return {"status": answer.status_code, "type": answer.headers.get("content-type")}
