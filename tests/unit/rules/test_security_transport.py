"""The finer points of the rules about TLS and logins: what is reported, and what is left alone."""

from pathlib import Path

import pytest

from unit.rules.marked import found_in, marked_in

HEAD = """
import os
import ssl

from celery import Celery

SECRET = os.environ["SECRET"]
app = Celery("bank", broker="amqp://localhost")
"""
EXAMPLE = "db.example.com"
PG = f"db+postgresql://u:{{SECRET}}@{EXAMPLE}/results"
MY = f"db+mysql+pymysql://u:{{SECRET}}@{EXAMPLE}/results"
MONGO = f"mongodb://u:{{SECRET}}@{EXAMPLE}/results"
REDISS = f"rediss://:{{SECRET}}@{EXAMPLE}:6380/0"

#: name → the lines behind :data:`HEAD`
CASES = {
    "plain Redis on a host with a dot": f'app.conf.result_backend = f"redis://:{{SECRET}}@{EXAMPLE}/0"  # <- RC107',
    "plain Redis at an address": 'app.conf.result_backend = "redis://10.0.0.5/0"  # <- RC107 RC110',
    "Redis on this machine": 'app.conf.result_backend = "redis://127.0.0.1/0"',
    "Redis through a socket": 'app.conf.result_backend = "redis+socket:///run/redis.sock"',
    "a Redis next door without a password": 'app.conf.result_backend = "redis://redis:6379/0"  # <- RC110',
    "an empty password": 'app.conf.result_backend = "redis://:@redis:6379/0"  # <- RC110',
    "a name without a password": 'app.conf.result_backend = "redis://shop@redis:6379/0"  # <- RC110',
    "a URL from the environment": 'app.conf.result_backend = os.environ["RESULTS"]',
    "a host from the environment": "app.conf.result_backend = f\"redis://{os.environ['HOST']}:6379/0\"",
    "an unknown query": f"app.conf.result_backend = f\"redis://{EXAMPLE}/0?{{os.environ['OPTIONS']}}\"",
    "a password in a setting of its own": (
        'app.conf.result_backend = "redis://redis/0"\napp.conf.redis_password = SECRET'
    ),
    "an empty password in that setting": (
        'app.conf.result_backend = "redis://redis/0"  # <- RC110\napp.conf.redis_password = ""'
    ),
    "a password in the query": 'app.conf.result_backend = f"redis://redis/0?password={SECRET}"',
    "a credential provider": (
        'app.conf.result_backend = "redis://redis/0"\napp.conf.redis_backend_credential_provider = "bank.Provider"'
    ),
    "a client's certificate": (
        'app.conf.result_backend = "rediss://redis/0?ssl_cert_reqs=required&ssl_certfile=/c.pem&ssl_keyfile=/k.pem"'
    ),
    "an authority's certificate says nothing of the client": (
        'app.conf.result_backend = "rediss://redis/0?ssl_cert_reqs=required&ssl_ca_certs=/c.pem"  # <- RC110'
    ),
    "a configuration of which a part is unknown": (
        'app.conf.update(**load())\napp.conf.result_backend = "redis://db.example.com/0"'
    ),
    "TLS by a setting beside the URL": (
        f'app.conf.result_backend = f"redis://:{{SECRET}}@{EXAMPLE}/0"\n'
        'app.conf.redis_backend_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}'
    ),
    "no TLS by that setting": (
        f'app.conf.result_backend = f"redis://:{{SECRET}}@{EXAMPLE}/0"  # <- RC107\n'
        "app.conf.redis_backend_use_ssl = None"
    ),
    "several sentinels": (
        'app.conf.result_backend = f"sentinel://:{SECRET}@a.example.com:26379;sentinel://:{SECRET}@b:26379"  # <- RC107'
    ),
    "rootcellar's own on Redis": f'app.conf.result_backend = f"cellar+redis://:{{SECRET}}@{EXAMPLE}/0"  # <- RC107',
    "rootcellar's own on Redis with TLS": f'app.conf.result_backend = f"cellar+rediss://:{{SECRET}}@{EXAMPLE}/0"',
    "rootcellar's own on PostgreSQL": (
        f'app.conf.result_backend = f"cellar+postgresql://u:{{SECRET}}@{EXAMPLE}/results"  # <- RC107'
    ),
    "none, in the URL": f'app.conf.result_backend = f"{REDISS}?ssl_cert_reqs=none"  # <- RC108',
    "CERT_NONE, in the URL": f'app.conf.result_backend = f"{REDISS}?ssl_cert_reqs=CERT_NONE"  # <- RC108',
    "optional, in the URL": f'app.conf.result_backend = f"{REDISS}?ssl_cert_reqs=optional"  # <- RC109',
    "an unknown word, in the URL": f"app.conf.result_backend = f\"{REDISS}?ssl_cert_reqs={{os.environ['REQS']}}\"",
    "none as a number": (
        f'app.conf.result_backend = f"{REDISS}"\napp.conf.redis_backend_use_ssl = {{"ssl_cert_reqs": 0}}  # <- RC108'
    ),
    "none as an enum's": (
        f'app.conf.result_backend = f"{REDISS}"\n'
        'app.conf.redis_backend_use_ssl = {"ssl_cert_reqs": ssl.VerifyMode.CERT_NONE}  # <- RC108'
    ),
    "none for a URL that nobody knows": (
        'app.conf.result_backend = os.environ["RESULTS"]\n'
        'app.conf.redis_backend_use_ssl = {"ssl_cert_reqs": "none"}  # <- RC108'
    ),
    "none for a backend that does not read it": (
        'app.conf.result_backend = "db+sqlite:///results.db"\n'
        'app.conf.redis_backend_use_ssl = {"ssl_cert_reqs": "none"}'
    ),
    "the URL prevails over the setting": (
        f'app.conf.result_backend = f"{REDISS}?ssl_cert_reqs=required"\n'
        'app.conf.redis_backend_use_ssl = {"ssl_cert_reqs": ssl.CERT_NONE}'
    ),
    "PostgreSQL as it is": f'app.conf.result_backend = f"{PG}"  # <- RC107',
    "PostgreSQL, TLS if it can be had": f'app.conf.result_backend = f"{PG}?sslmode=prefer"  # <- RC107',
    "PostgreSQL, TLS with anybody": f'app.conf.result_backend = f"{PG}?sslmode=require"  # <- RC108',
    "PostgreSQL, TLS with a known authority": f'app.conf.result_backend = f"{PG}?sslmode=require&sslrootcert=/ca.pem"',
    "PostgreSQL, TLS with the right one": f'app.conf.result_backend = f"{PG}?sslmode=verify-full"',
    "PostgreSQL, TLS with anybody next door": 'app.conf.result_backend = f"db+postgresql://u:{SECRET}@db/r?sslmode=require"',
    "PostgreSQL, an unknown mode": f"app.conf.result_backend = f\"{PG}?sslmode={{os.environ['MODE']}}\"",
    "PostgreSQL, a mode beside the URL": (
        f'app.conf.result_backend = f"{PG}"\n'
        'app.conf.database_engine_options = {"connect_args": {"sslmode": "verify-full"}}'
    ),
    "PostgreSQL, a weak mode beside the URL": (
        f'app.conf.result_backend = f"{PG}"\n'
        'app.conf.database_engine_options = {"connect_args": {"sslmode": "require"}}  # <- RC108'
    ),
    "PostgreSQL, options that nobody knows": (
        f'app.conf.result_backend = f"{PG}"\napp.conf.database_engine_options = load()'
    ),
    "PostgreSQL, an engine that somebody else makes ready": (
        f'app.conf.result_backend = f"{PG}"\napp.conf.database_engine_callback = "bank.with_tls"'
    ),
    "PostgreSQL through a socket": 'app.conf.result_backend = "db+postgresql:///results"',
    "PostgreSQL through a socket in the query": 'app.conf.result_backend = "db+postgresql://u@/r?host=/run/postgresql"',
    "PostgreSQL in a URL of its own": (
        'app.conf.result_backend = "database"\n'
        f'app.conf.database_url = f"postgresql+psycopg://u:{{SECRET}}@{EXAMPLE}/results"  # <- RC107'
    ),
    "PostgreSQL without a password": 'app.conf.result_backend = "db+postgresql://u@db/results"  # <- RC110',
    "MySQL as it is": f'app.conf.result_backend = f"{MY}"  # <- RC107',
    "MySQL with an authority": f'app.conf.result_backend = f"{MY}?ssl_ca=/ca.pem"',
    "MySQL with an authority beside the URL": (
        f'app.conf.result_backend = f"{MY}"\n'
        'app.conf.database_engine_options = {"connect_args": {"ssl": {"ca": "/ca.pem"}}}'
    ),
    "MySQL, unverified": f'app.conf.result_backend = f"{MY}?ssl_ca=/ca.pem&ssl_verify_cert=false"  # <- RC108',
    "MySQL, unverified beside the URL": (
        f'app.conf.result_backend = f"{MY}"\n'
        'app.conf.database_engine_options = {"connect_args": {"ssl": {"verify_mode": False}}}  # <- RC108'
    ),
    "SQLite": 'app.conf.result_backend = "db+sqlite:///results.db"',
    "a database of which nothing is known": 'app.conf.result_backend = "db+oracle://u@db.example.com/x"',
    "MongoDB as it is": f'app.conf.result_backend = f"{MONGO}"  # <- RC107',
    "MongoDB with TLS": f'app.conf.result_backend = f"{MONGO}?tls=true"',
    "MongoDB with an authority": f'app.conf.result_backend = f"{MONGO}?tlsCAFile=/ca.pem"',
    "MongoDB by a service record": f'app.conf.result_backend = f"mongodb+srv://u:{{SECRET}}@{EXAMPLE}/r"',
    "MongoDB by a service record, without TLS": (
        f'app.conf.result_backend = f"mongodb+srv://u:{{SECRET}}@{EXAMPLE}/r?tls=false"  # <- RC107'
    ),
    "MongoDB with TLS beside the URL": (
        f'app.conf.result_backend = f"{MONGO}"\napp.conf.mongodb_backend_settings = {{"options": {{"tls": True}}}}'
    ),
    "MongoDB, unverified": f'app.conf.result_backend = f"{MONGO}?tls=true&tlsInsecure=true"  # <- RC108',
    "MongoDB, a password beside the URL": (
        'app.conf.result_backend = "mongodb://mongo/r"\napp.conf.mongodb_backend_settings = {"password": SECRET}'
    ),
    "MongoDB at another host than the URL's": (
        f'app.conf.result_backend = "mongodb://{EXAMPLE}/r"\n'
        'app.conf.mongodb_backend_settings = {"host": "localhost"}'
    ),
    "results through a broker elsewhere": (
        'app.conf.result_backend = "rpc://"\napp.conf.broker_url = f"amqp://u:{SECRET}@mq.example.com//"  # <- RC107'
    ),
    "results through a broker with TLS": (
        'app.conf.result_backend = "rpc://"\napp.conf.broker_url = f"amqps://u:{SECRET}@mq.example.com//"'
    ),
    "results through a broker with TLS by a setting": (
        'app.conf.result_backend = "rpc://"\napp.conf.broker_url = f"amqp://u:{SECRET}@mq.example.com//"\n'
        "app.conf.broker_use_ssl = True"
    ),
    "results through a broker that is not verified": (
        'app.conf.result_backend = "rpc://"\napp.conf.broker_url = f"amqp://u:{SECRET}@mq.example.com//"\n'
        'app.conf.broker_use_ssl = {"cert_reqs": ssl.CERT_NONE}  # <- RC108'
    ),
    "a broker elsewhere, of results that go to a file": (
        'app.conf.result_backend = "file:///var/results"\napp.conf.broker_url = f"amqp://u:{SECRET}@mq.example.com//"'
    ),
}


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in CASES.items()])
def test_on_the_way_to_the_results(lines: str, tmp_path: Path) -> None:
    marked = marked_in({"app.py": HEAD + lines}, tmp_path)
    assert found_in(tmp_path, "RC107", "RC108", "RC109", "RC110") == marked


def test_a_mode_of_postgresql_in_the_environment_of_a_process_counts(tmp_path: Path) -> None:
    compose = (
        "services:\n  worker:\n    build: .\n    command: celery -A app worker\n    environment:\n      PGSSLMODE: {}\n"
    )
    for mode, mark in (("verify-full", ""), ("prefer", "  # <- RC107")):
        files = {"app.py": f'{HEAD}app.conf.result_backend = f"{PG}"{mark}', "compose.yaml": compose.format(mode)}
        marked = marked_in(files, tmp_path)
        assert found_in(tmp_path, "RC107") == marked
