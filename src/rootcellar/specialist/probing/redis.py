"""Asking Redis: eviction, persistence, connections, and what lies there."""

import re
from typing import TYPE_CHECKING, Any

from rootcellar.errors import Unsupported
from rootcellar.specialist.subject import Subject

if TYPE_CHECKING:
    from rootcellar.specialist.probing import Question

#: Keys looked at for a sample; the rest is not touched.
_SAMPLE = 500


def ask_redis(question: "Question") -> dict[str, Any]:
    """Return what ``INFO`` says, and a sample of Celery's keys, through the client Celery would use.

    Keys: ``version``, ``role``, ``maxmemory`` and ``used_memory`` (bytes), ``maxmemory_policy``, ``appendonly``
    (bool), ``save`` (whether snapshots are configured; ``None``: the login may not ask), ``evicted_keys``,
    ``expired_keys``, ``uptime_s``, ``connected_clients``, ``maxclients``, ``keys``, ``results_sampled``,
    ``results_without_expiry``,
    ``results_bytes`` (mean of the sample), ``results_largest_bytes``, ``results_ttl_s`` (the longest of the sample),
    ``databases_with_keys`` (their numbers), ``subscribed`` and ``subscriber_bytes`` (channels that one client has
    subscribed to, and bytes that wait for one: the most of any client; missing: the login may not ask).
    """
    client = _client(question)
    try:
        info = client.info()
        facts = {
            "version": str(info.get("redis_version", "")),
            "role": str(info.get("role", "")),
            "maxmemory": int(info.get("maxmemory", 0)),
            "used_memory": int(info.get("used_memory", 0)),
            "maxmemory_policy": str(info.get("maxmemory_policy", "")),
            "appendonly": bool(int(info.get("aof_enabled", 0))),
            "save": _saves(client),
            "evicted_keys": int(info.get("evicted_keys", 0)),
            "expired_keys": int(info.get("expired_keys", 0)),
            "uptime_s": int(info.get("uptime_in_seconds", 0)),
            "connected_clients": int(info.get("connected_clients", 0)),
            "maxclients": int(info.get("maxclients", 0)),
            "keys": int(client.dbsize()),
        }
        if not question.is_broker:
            facts |= _sample(client) | _subscribers(client)
            facts["databases_with_keys"] = sorted(int(name[2:]) for name in info if re.fullmatch(r"db\d+", name))
        return facts
    finally:
        client.close()
        client.connection_pool.disconnect()


def _client(question: "Question") -> Any:
    url = question.url.removeprefix("cellar+")
    if question.is_broker:
        import redis

        if url.startswith("sentinel"):
            raise Unsupported("A broker behind Sentinel is not asked; its results are.")
        return redis.Redis.from_url(
            url, socket_timeout=question.timeout_s, socket_connect_timeout=question.timeout_s, decode_responses=False
        )
    return Subject(url, question.settings, question.timeout_s).backend.client


def _saves(client: Any) -> bool | None:
    import redis

    try:
        return bool(client.config_get("save").get("save", ""))
    except redis.exceptions.ResponseError:  # CONFIG is renamed, or forbidden, on managed servers
        return None


def _sample(client: Any) -> dict[str, Any]:
    keys: list[Any] = []
    cursor = 0
    for _ in range(20):
        cursor, found = client.scan(cursor, match="*celery-task-meta-*", count=_SAMPLE)
        keys += found
        if not cursor or len(keys) >= _SAMPLE:
            break
    pipe = client.pipeline(transaction=False)
    for key in keys[:_SAMPLE]:
        pipe.ttl(key)
        pipe.strlen(key)
    answers = pipe.execute(raise_on_error=False) if keys else []
    ttls = [ttl for ttl in answers[::2] if isinstance(ttl, int)]
    sizes = [size for size in answers[1::2] if isinstance(size, int)]
    return {
        "results_sampled": len(ttls),
        "results_without_expiry": sum(ttl == -1 for ttl in ttls),
        "results_ttl_s": max(ttls, default=0),
        "results_bytes": sum(sizes) // len(sizes) if sizes else 0,
        "results_largest_bytes": max(sizes, default=0),
    }


def _subscribers(client: Any) -> dict[str, Any]:
    import redis

    try:
        clients = client.client_list(_type="pubsub")
    except redis.exceptions.ResponseError:
        return {}
    return {
        "subscribed": max((int(one.get("sub", 0)) for one in clients), default=0),
        "subscriber_bytes": max((int(one.get("omem", 0)) for one in clients), default=0),
    }
