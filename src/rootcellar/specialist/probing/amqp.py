"""Asking an AMQP broker: what it calls itself when a connection opens."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rootcellar.specialist.probing import Question


def ask_amqp(question: "Question") -> dict[str, Any]:
    """Return ``product`` and ``version``."""
    from kombu.connection import Connection

    options = {"ssl": question.settings["broker_use_ssl"]} if question.settings.get("broker_use_ssl") else {}
    connect: Any = Connection  # kombu carries no types
    with connect(question.url, connect_timeout=question.timeout_s, **options) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0.1)
        said = connection.connection.server_properties
        return {"product": str(said.get("product", "")), "version": str(said.get("version", ""))}
