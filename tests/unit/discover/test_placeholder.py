"""Placeholders are told from secrets."""

import pytest

from rootcellar.specialist.discover.placeholder import has_password, has_secret_name, is_placeholder, looks_secret

PLACEHOLDERS = [
    "", " ", "changeme", "change-me", "CHANGE_ME", "changeme123", "password", "secret", "my-secret-password", "example",
    "your_password_here", "your-redis-password", "YOUR_TOKEN", "<password>", "${PASSWORD}", "${PASSWORD:?missing}",
    "{{ redis_password }}", "{{password}}", "%(REDIS_PASSWORD)s", "xxx", "XXXXXXXX", "xxx-xxx", "***", "...", "todo",
    "TODO: ask ops", "none", "null", "true", "False", "dummy", "test", "guest", "postgres", "root", "{REDIS_PASSWORD}",
    "pre-{HOLE}", "$REDIS_PASSWORD", "$(cat /run/secret)", "__PASSWORD__", "@password@", "replace-with-a-real-one",
    "ENC[AES256_GCM,data:abc,type:str]", "vault:secret/data/redis#password", "op://vault/item/field", '"changeme"',
]  # fmt: skip
REAL = [
    "tr0ub4dor&3", "s3cr3t", "k9Qz7vXw2LmP", "hunter2", "correct horse battery staple", "Zm9vYmFyYmF6",
    "p@ss:w/rd", "9f86d081884c7d65", "postgres-9f86d0", "test-4hj2k1", "pa55word!x",
]  # fmt: skip


@pytest.mark.parametrize("text", PLACEHOLDERS, ids=repr)
def test_a_placeholder_is_none_s_secret(text: str) -> None:
    assert is_placeholder(text)
    assert not looks_secret("REDIS_PASSWORD", text)


@pytest.mark.parametrize("text", REAL, ids=repr)
def test_anything_else_looks_real(text: str) -> None:
    assert not is_placeholder(text)
    assert looks_secret("REDIS_PASSWORD", text)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD", "REDIS_PASSWORD", "redis_password", "dbPassword", "DB_PASS", "MYSQL_PWD", "requirepass",
        "masterauth", "auth-pass", "SECRET_KEY", "AUTH_TOKEN", "apiKey", "API_KEY", "FERNET_KEY", "SECURITY_PASSPHRASE",
        "AWS_SECRET_ACCESS_KEY", "password_v2", "redis.auth.password", "CELERY_SECRET", "mysqlRootPassword",
    ],
)  # fmt: skip
def test_a_name_that_says_secret(name: str) -> None:
    assert has_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD_FILE", "PASSWORD_RESET_URL", "AUTH_PASSWORD_VALIDATORS", "PASSWORD_HASHERS", "TOKEN_LIFETIME",
        "ACCESS_TOKEN_EXPIRE_MINUTES", "PUBLIC_KEY", "topologyKey", "SORT_KEY", "key", "existingSecret", "secretName",
        "secretKeyRef", "existingSecretPasswordKey", "PASSENGER_ENV", "COMPASS", "PWD", "KEYWORDS", "imagePullSecrets",
        "", "SECRETS_DIR", "secret_id",
    ],
)  # fmt: skip
def test_a_name_that_only_sounds_like_it(name: str) -> None:
    assert not has_secret_name(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CELERY_RESULT_BACKEND", "redis://:k9Qz7vXw@cache:6379/0"),
        ("URLS", "sentinel://:k9Qz7vXw@one:26379;sentinel://two:26379"),
        ("CELL_KEY", "Zm9vYmFyYmF6cXV4MTIzNA=="),
        ("REDIS_PASSWORD", "20240917"),
    ],
)
def test_a_value_that_gives_it_away(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CELERY_RESULT_BACKEND", "redis://:changeme@cache:6379/0"),
        ("CELERY_RESULT_BACKEND", "redis://cache:6379/0"),
        ("BROKER_URL", "amqp://guest:guest@localhost//"),
        ("BROKER_URL", "amqp://shop:${MQ_PASSWORD}@mq//"),
        ("SORT_KEY", "created_at"),
        ("REDIS_PASSWORD", "abc"),
        ("POSTGRES_PASSWORD", "/run/secrets/pg"),
        ("MAIL", "someone@example.org"),
    ],
)
def test_a_value_that_is_none(name: str, value: str) -> None:
    assert not looks_secret(name, value)


def test_a_hole_in_a_password_makes_it_unknown() -> None:
    assert not has_password("redis://:a{REST}@cache/0")
