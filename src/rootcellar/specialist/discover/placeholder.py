"""The placeholder: telling a value that stands for a secret from one that is a secret."""

import re
from importlib import resources

from rootcellar.specialist.profile.address import address_of, is_hole


def _words_of(file: str) -> frozenset[str]:
    return frozenset((resources.files(__package__) / "data" / file).read_text("utf-8").split())


#: A text made of these words alone is no secret: ``changeme``, ``my-secret-password``, ``your_password_here``.
_WORDS = _words_of("placeholder_words.txt")
_ORDINARY = frozenset(
    {"1234", "12345", "123456", "qwerty", "abc123", "password1", "password123", "secret123", "pass123"}
)
# Either the whole is a placeholder of some template language, or it names a secret that a store keeps.
_TEMPLATE = re.compile(
    r"""^(?:
        <.*> | \[.*\] | \{.*\} | %\(.*\)s | %[sdr] | %[A-Z_]+% | @[\w.-]+@ | __\w+__ | \$\w+ | !\w+\b.* |
        [x*.?_#0-]+ | x{3,}.* | \*{3,}.* | \.{3,}.* |
        (?:your|change|replace|insert|enter|fill|put|todo|example|dummy|fake)(?:[-_\s.:].*|me.*|this.*|with.*|-?here) |
        .*[-_\s]here |
        ENC\[.* | AQICA.* | (?:vault|op|ssm|ref\+\w+|secretsmanager|gcp-sm|arn|file|env|awssm|keyvault|sops):.*
    )$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_UNKNOWN = re.compile(r"\$\{|\{\{|\$\(|%\(\w+\)s|<[\w\s.-]+>")
_CUT = re.compile(r"[-_\s.]+")

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET_ENDINGS = (
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "requirepass",
)
_SECRET_WORDS = frozenset({"pass", "pwd", "pw", "credential", "credentials", "masterauth", "passw", "psw"})
_KEYS = frozenset(
    {
        "access", "account", "aes", "api", "auth", "cookie", "crypto", "encryption", "fernet", "hmac", "jwt", "license",
        "master", "private", "secret", "service", "session", "sign", "signing", "storage",
    }
)  # fmt: skip
#: What a name ends with whose value is about a secret, and is none.
_ABOUT = _words_of("words_about_secrets.txt")
_REFERENCE = re.compile(r"existing_?secret|(?:secret|password|token|credentials?)_?key_?(?:ref|name)|image_?pull", re.I)
#: Keys that are there to be known: SSH's, and certificates.
_PUBLIC = re.compile(
    r"(?:ssh-\w+ )?AAAA(?:B3NzaC1|C3NzaC1|E2VjZHNh)|ssh-\w+ |-----BEGIN (?:\w+ )?(?:PUBLIC KEY|CERTIFICATE)"
)
_GENERATED = re.compile(r"^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=_.-]{16,}$")
_SHORTEST = 4


def is_placeholder(text: str) -> bool:
    """Whether a value only stands for a secret, or is one that nobody takes for a secret (``guest``, ``postgres``).

    >>> [is_placeholder(text) for text in ("", "changeme", "your_password_here", "<password>", "${PASSWORD}", "{PW}")]
    [True, True, True, True, True, True]
    >>> is_placeholder("tr0ub4dor&3"), is_placeholder("guest")
    (False, True)
    """
    bare = text.strip().strip("'\"").strip()
    lower = bare.lower()
    if not bare or is_hole(bare) or lower in _ORDINARY or _UNKNOWN.search(bare) or _TEMPLATE.match(bare):
        return True
    words = [word.rstrip("0123456789!") for word in _CUT.split(lower) if word]
    return any(words) and all(word in _WORDS or not word for word in words)


def has_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret: ``REDIS_PASSWORD``, ``redisAuthToken``; not ``TOKEN_LIFETIME``.

    >>> has_secret_name("CELERY_RESULT_PASSWORD"), has_secret_name("PASSWORD_FILE"), has_secret_name("PUBLIC_KEY")
    (True, False, False)
    """
    words = _words(name)
    if not words or words[-1] in _ABOUT or _REFERENCE.search(name) or name == "PWD":
        return False
    if any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words):
        # In `secretKey` the secret is the key; `token_bucket` and `secrets_dir` are something else.
        last = words[-1]
        return (
            last in _SECRET_WORDS or last.endswith((*_SECRET_ENDINGS, "key")) or last not in ("dir", "bucket", "store")
        )
    return words[-1] == "key" and len(words) > 1 and words[-2] in _KEYS


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable holds a real-looking secret, by its name and value; or its value is a URL with a password.

    >>> looks_secret("REDIS_PASSWORD", "tr0ub4dor"), looks_secret("REDIS_PASSWORD", "changeme")
    (True, False)
    >>> looks_secret("BROKER", "amqp://shop:tr0ub4dor@mq//"), looks_secret("CACHE_TTL", "86400")
    (True, False)
    """
    if "://" in value and has_password(value):
        return True
    bare = value.strip()
    if len(bare) < _SHORTEST or is_placeholder(bare) or _PUBLIC.match(bare):
        return False
    if bare.isdigit() and not re.search(r"pass|pw", name, re.IGNORECASE):
        return False  # a token's size or age
    if has_secret_name(name):
        return "://" not in bare and not bare.startswith(("/run/secrets", "/etc/", "/var/", "./"))
    # SORT_KEY=created_at is a key of another kind.
    words = _words(name)
    is_key = len(words) > 1 and words[-1] == "key" and words[-2] not in ("public", "publishable", "partition", "ssh")
    return is_key and _GENERATED.match(bare) is not None


def has_password(url: str) -> bool:
    """Whether a URL, or one of several in a row, has a password that is no placeholder.

    >>> has_password("redis://:{REDIS_PASSWORD}@db/0"), has_password("sentinel://a:1;sentinel://:k33p@b:1")
    (False, True)
    >>> has_password("amqp://shop:shop@localhost//"), has_password("amqp://shop:shop@mq//")
    (False, True)
    """
    return any(
        address.password
        and not is_placeholder(address.password)
        and ((len(address.password) >= _SHORTEST and address.password != address.username) or not address.is_local)
        for address in map(address_of, re.split(r"[;,\s](?=[a-z+]+://)", url))
        if address.host or address.password
    )


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", _CAMEL.sub("_", name)) if word]
