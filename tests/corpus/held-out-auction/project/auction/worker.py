from celery import Celery

from auction.settings import REDIS, TLS

app = Celery("auction")
app.conf.update(
    broker_url=REDIS.url(0),
    broker_use_ssl=TLS,
    result_backend=REDIS.url(1),
    redis_backend_use_ssl=TLS,
    redis_socket_keepalive=True,
    redis_backend_health_check_interval=25,
    result_backend_always_retry=True,
    result_backend_transport_options={"global_keyprefix": "auction_", "retry_policy": {"timeout": 5.0}},
    result_expires=6 * 3600,
    result_chord_join_timeout=10.0,
    imports=["auction.bids"],
)
