"""The calls and assignments that rules look at, beside those of tasks and results: by full dotted name.

Those of :data:`VOCABULARY`, and

- ``celery.Celery.backend=``, ``…_backend=``, ``…backend_cls=``: an app's backend is assigned;
  ``celery.Celery.setup_security`` is called; ``celery.app.backends.BACKEND_ALIASES=``, ``override_backends=``;
- one of :data:`GENERATORS`, whose value becomes that of ``assigned_to``, a name that sounds like a secret's, or
  ``Fernet_key`` and the like for a key that is handed over at once;
- ``=``: a literal, ``args[0]``, is assigned to such a name.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rootcellar.specialist.discover.modules import Module
from rootcellar.specialist.profile import Call, Called, Place, Ref, Unknown, Value
from rootcellar.urls import SECRET_NAME

if TYPE_CHECKING:
    from rootcellar.specialist.discover.configuration.evaluate import Evaluator

#: What is looked for, by the name under which it is reported. A name may be imported from elsewhere in its package.
VOCABULARY = (
    "kombu.serialization.register",
    "kombu.serialization.registry.register",
    "kombu.register",
    "kombu.serialization.enable_insecure_serializers",
    "kombu.enable_insecure_serializers",
    "cryptography.fernet.Fernet",
    "cryptography.fernet.Fernet.generate_key",
    "cryptography.fernet.MultiFernet",
    "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
    "cryptography.hazmat.primitives.ciphers.aead.AESGCM.generate_key",
    "cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305",
    "hmac.new",
    "hmac.digest",
    "itsdangerous.Signer",
    "itsdangerous.TimestampSigner",
    "itsdangerous.Serializer",
    "itsdangerous.TimedSerializer",
    "itsdangerous.URLSafeSerializer",
    "itsdangerous.URLSafeTimedSerializer",
    "redis.Redis",
    "redis.Redis.from_url",
    "redis.StrictRedis",
    "redis.StrictRedis.from_url",
    "redis.from_url",
    "redis.ConnectionPool",
    "redis.ConnectionPool.from_url",
    "redis.BlockingConnectionPool",
    "redis.BlockingConnectionPool.from_url",
    "redis.asyncio.Redis",
    "redis.asyncio.Redis.from_url",
    "redis.asyncio.from_url",
    "redis.asyncio.ConnectionPool.from_url",
    "redis.Sentinel",
    "redis.sentinel.Sentinel",
    "pymongo.MongoClient",
    "sqlalchemy.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine",
    "psycopg.connect",
    "psycopg2.connect",
    "pymysql.connect",
    "MySQLdb.connect",
    "celery.signals.setup_logging.connect",
)
#: Calls that make a key anew each time.
GENERATORS = frozenset(
    {
        "secrets.token_hex",
        "secrets.token_urlsafe",
        "secrets.token_bytes",
        "os.urandom",
        "uuid.uuid4",
        "uuid.uuid1",
        "cryptography.fernet.Fernet.generate_key",
        "cryptography.hazmat.primitives.ciphers.aead.AESGCM.generate_key",
        "django.core.management.utils.get_random_secret_key",
        "django.utils.crypto.get_random_string",
        "Crypto.Random.get_random_bytes",
    }
)
#: What is made with a key.
_KEY_TAKERS = frozenset(
    {
        "cryptography.fernet.Fernet",
        "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
        "cryptography.hazmat.primitives.ciphers.aead.ChaCha20Poly1305",
    }
)
_KNOWN = frozenset(VOCABULARY)
_SAME = {"redis.client.Redis": "redis.Redis", "redis.client.StrictRedis": "redis.StrictRedis"}
_LAST = frozenset(name.rpartition(".")[2] for name in (*VOCABULARY, *GENERATORS))
_REGISTERS = frozenset(name for name in VOCABULARY if name.endswith(".register"))
_ALIASES = ("celery.app.backends.BACKEND_ALIASES", "override_backends")
#: functions that give the text that they are given, or that stands in for what is not set
_GIVING = frozenset(
    {"get", "getenv", "env", "str", "config", "Config", "encode", "strip", "Field", "SecretStr", "SecretBytes", "bytes"}
)
_WORTH_A_LOOK = re.compile(
    r"kombu|[Ff]ernet|AESGCM|ChaCha20|\bhmac\b|itsdangerous|\bredis\b|MongoClient|create_(?:async_)?engine|psycopg"
    r"|pymysql|MySQLdb|BACKEND_ALIASES|override_backends"
)
_SECRET_LINE = re.compile(
    r"^[ \t]*[\w.]*?(?:\[[\"']\w*)?(?:pass|secret|token|credential|key)\w*[\"'\]]*[ \t]*(?::[^=\n]+)?=[ \t]*"
    r"(?:b?[\"']|.*\b(?:environ|getenv|env|config|Field|token_\w+|urandom|uuid\d|generate_key|get_random\w+|Secret\w+)\b"
    r"|.*\bor[ \t]|\($)",
    re.MULTILINE | re.IGNORECASE,
)
_WRITES = frozenset({"write", "write_text", "write_bytes", "writelines"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def may_have_calls(text: str) -> bool:
    """Whether a file's text can have any of them."""
    return _WORTH_A_LOOK.search(text) is not None or _SECRET_LINE.search(text) is not None


def calls_in(module: Module, evaluator: "Evaluator") -> Iterator[Called]:
    """Yield those of one module, but what is done to apps."""
    found: dict[tuple[str, Place], Called] = {}
    for called in _Walk(module, evaluator).of(module.tree.body, None, ""):
        # A key that is generated is met twice: as what is assigned, and as a call.
        found.setdefault((called.name, called.place), called)
    yield from found.values()


class _Walk:
    def __init__(self, module: Module, evaluator: "Evaluator") -> None:
        self._module = module
        self._evaluator = evaluator

    def of(self, nodes: Sequence[ast.AST], scope: _Function | None, function: str) -> Iterator[Called]:
        """Walk through nodes of one scope; ``function`` is its dotted name."""
        waiting = list(reversed(nodes))
        while waiting:
            node = waiting.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{function or self._module.name}.{node.name}"
                waiting.extend(node.decorator_list)
                yield from self.of(node.body, node, name)
                continue
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                yield from self._assignment(node, scope, function)
            elif isinstance(node, ast.Call):
                called = self._call(node, scope, function)
                if called is not None:
                    yield called
                    if called.name in _KEY_TAKERS:
                        yield from self._generated(node.args, scope, function, f"{called.name.rpartition('.')[2]}_key")
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))

    def _call(self, node: ast.Call, scope: _Function | None, function: str, assigned_to: str = "") -> Called | None:
        last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        dotted = self._module.dotted(node.func)
        if last not in _LAST and dotted.rpartition(".")[2] not in _LAST:
            return None
        name = _SAME.get(dotted, dotted)
        if name not in _KNOWN and not (assigned_to and name in GENERATORS):
            return None
        args = tuple(self._argument(one, scope, name) for one in node.args if not isinstance(one, ast.Starred))
        kwargs = {one.arg: self._argument(one.value, scope, name) for one in node.keywords if one.arg}
        return Called(name, self._module.place(node), args, kwargs, assigned_to, function)

    def _argument(self, node: ast.expr, scope: _Function | None, name: str) -> Value:
        if name in _REGISTERS:
            inner = self._what_it_calls(node)
            if inner is not None:
                return inner
        return self._evaluator.value(node, self._module, scope=scope)

    def _what_it_calls(self, node: ast.expr) -> Value | None:
        """What a function that is given calls to make what it returns: ``lambda text: yaml.load(text)``."""
        body: ast.expr | None = node.body if isinstance(node, ast.Lambda) else None
        if isinstance(node, ast.Name):
            own = (one for one in self._module.tree.body if isinstance(one, ast.FunctionDef) and one.name == node.id)
            returns = [one.value for found in own for one in ast.walk(found) if isinstance(one, ast.Return)]
            body = next((one for one in returns if isinstance(one, ast.Call)), None)
        if not isinstance(body, ast.Call):
            return None
        dotted = self._module.dotted(body.func)
        if not dotted:
            return None
        args = tuple(self._named(one) for one in body.args)
        kwargs = {one.arg: self._named(one.value) for one in body.keywords if one.arg}
        return Value(Call(dotted, args, kwargs), written_at=(self._module.place(body),))

    def _named(self, node: ast.expr) -> object:
        dotted = self._module.dotted(node)
        return Ref(dotted) if dotted else Unknown("an argument of a function's own")

    def _assignment(self, node: ast.Assign | ast.AnnAssign, scope: _Function | None, function: str) -> Iterator[Called]:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            yield from self._aliases(target, node, scope, function)
            name = _target_name(target)
            if node.value is None or not (SECRET_NAME.search(name) or name.upper().endswith("_KEY")):
                continue
            made = list(self._generated([node.value], scope, function, name))
            if made:
                yield from () if self._is_kept(name, node) else made[:1]
            elif _is_text(node.value):
                value = self._evaluator.value(node.value, self._module, scope=scope)
                is_here = any(place.path == self._module.path for place in value.written_at) or not value.written_at
                if value.is_known and isinstance(value.data, (str, bytes)) and is_here:
                    yield Called("=", self._module.place(node), (value,), assigned_to=name, function=function)

    def _is_kept(self, name: str, node: ast.stmt) -> bool:
        """Whether what a name is given is written to a file further down: made once, and read from there since."""
        return any(
            isinstance(one, ast.Call)
            and one.lineno > node.lineno
            and isinstance(one.func, ast.Attribute)
            and one.func.attr in _WRITES
            and any(
                isinstance(inner, ast.expr) and _target_name(inner) == name
                for argument in one.args
                for inner in ast.walk(argument)
            )
            for one in self._module.nodes
        )

    def _generated(
        self, nodes: Sequence[ast.expr], scope: _Function | None, function: str, name: str
    ) -> Iterator[Called]:
        """Yield the calls inside expressions that make a key, which becomes that of ``name``."""
        for node in nodes:
            for one in ast.walk(node):
                called = self._call(one, scope, function, name) if isinstance(one, ast.Call) else None
                if called is not None and called.name in GENERATORS:
                    yield called

    def _aliases(
        self, target: ast.expr, node: ast.Assign | ast.AnnAssign, scope: _Function | None, function: str
    ) -> Iterator[Called]:
        named = target.value if isinstance(target, ast.Subscript) else target
        dotted = self._module.dotted(named)
        if node.value is not None and dotted.endswith(_ALIASES) and "." in dotted:
            value = self._evaluator.value(node.value, self._module, scope=scope)
            name = _ALIASES[0] if dotted.endswith(_ALIASES[0]) else _ALIASES[1]
            yield Called(f"{name}=", self._module.place(node), (value,), function=function)


def _target_name(target: ast.expr) -> str:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _is_text(node: ast.expr) -> bool:
    """Whether an expression is a text literal, or comes to one where nothing else is set."""
    match node:
        case ast.Constant(value=str() | bytes()):
            return True
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_is_text(value) for value in values)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _GIVING:
            inner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            given = [*inner, *node.args, *(one.value for one in node.keywords)]
            return any(_is_text(one) for one in given)
    return False
