import os
from urllib.parse import quote

from celery import Celery

from ledger import signing


def _database() -> str:
    user = quote(os.environ["PGUSER"], safe="")
    password = quote(os.environ["PGPASSWORD"], safe="")
    return f"db+postgresql://{user}:{password}@pg.bank.example:5432/results?sslmode=verify-full&sslrootcert=/etc/ledger/ca.pem"


app = Celery("ledger", set_as_current=True)
app.conf.update(
    broker_url=os.environ["LEDGER_BROKER"],
    result_backend=_database(),
    result_expires=86_400 * 90,
    result_extended=True,
    database_table_names={"task": "results", "group": "result_groups"},
    task_serializer="auth",
    result_serializer="json",
    accept_content=["auth"],
    result_accept_content=["json"],
    security_key=signing.KEY,
    security_key_password=os.environ["LEDGER_KEY_PASSPHRASE"],
    security_certificate=signing.CERTIFICATE,
    security_cert_store=signing.TRUSTED,
    security_digest="sha512",
)
app.setup_security()
app.autodiscover_tasks(["ledger"], related_name="postings")
