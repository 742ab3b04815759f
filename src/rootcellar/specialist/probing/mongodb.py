"""Asking MongoDB: version, whether it is a replica set, and the results' collection."""

from typing import TYPE_CHECKING, Any

from rootcellar.specialist.subject import Subject

if TYPE_CHECKING:
    from rootcellar.specialist.probing import Question


def ask_mongodb(question: "Question") -> dict[str, Any]:
    """Return ``version``, ``is_replica_set``, ``documents`` (an estimate), ``indexed`` (fields that an index begins
    with) and ``expires_after_s`` (of the TTL index, or ``None``).

    Not through Celery's backend, which makes its index when it opens the collection.
    """
    import pymongo

    subject = Subject(question.url, question.settings, question.timeout_s)
    backend = subject.backend
    limit_ms = round(question.timeout_s * 1000)
    client: Any = pymongo.MongoClient(
        question.url,
        serverSelectionTimeoutMS=limit_ms,
        connectTimeoutMS=limit_ms,
        socketTimeoutMS=limit_ms,
    )
    try:
        collection = client[backend.database_name][backend.taskmeta_collection]
        indexes = collection.index_information()
        return {
            "version": client.server_info()["version"],
            "is_replica_set": bool(client.admin.command("hello").get("setName")),
            "documents": collection.estimated_document_count(),
            "indexed": sorted({index["key"][0][0] for index in indexes.values()}),
            "expires_after_s": next(
                (index["expireAfterSeconds"] for index in indexes.values() if "expireAfterSeconds" in index), None
            ),
        }
    finally:
        client.close()
