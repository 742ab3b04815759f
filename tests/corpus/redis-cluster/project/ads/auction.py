from celery import group

from ads.app import bid


def auction(slots):
    bids = group(bid.s(slot) for slot in slots)()
    return max(bids.join(timeout=1), key=lambda one: one.get("cents"))
