from podcasts.fetching.jobs import fetch, transcribe

__all__ = ["fetch", "transcribe"]
