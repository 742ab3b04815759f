"""Groups of settings that several engines honour, each with the Celery versions that do."""

ALWAYS = ">=5.2"


def always(*names: str) -> dict[str, str]:
    """Settings that every Celery the table knows honours."""
    return dict.fromkeys(names, ALWAYS)


def retrying(versions: str) -> dict[str, str]:
    """The settings of Celery's own retry around each operation: they work where the engine says what is worth one."""
    return dict.fromkeys(
        (
            "result_backend_always_retry",
            "result_backend_max_retries",
            "result_backend_base_sleep_between_retries_ms",
            "result_backend_max_sleep_between_retries_ms",
        ),
        versions,
    )


#: every engine, since the base class or the app reads them
EVERY = {**always("result_cache_max"), "result_backend_thread_safe": ">=5.3"}

#: engines that put a result through Celery's serializers
SERIALIZED = always("result_serializer", "result_accept_content")

#: engines that Celery's chord_unlock task polls
UNLOCKED_CHORDS = always("result_chord_retry_interval", "result_chord_join_timeout")

#: engines that keep a result under a key
KEY_PREFIX = {"global_keyprefix": ">=5.3"}
TRANSPORT_OPTIONS = {"result_backend_transport_options": ">=5.3"}
