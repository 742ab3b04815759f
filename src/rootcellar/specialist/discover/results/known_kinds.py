"""The kinds of what known functions and methods give."""

DATETIMES = frozenset(
    {"now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp", "strptime", "combine", "fromisoformat"}
)
#: full dotted names of what is called → kind
CALLED = {
    "datetime.timedelta": "datetime.timedelta",
    "datetime.datetime": "datetime.datetime",
    "datetime.date": "datetime.date",
    "datetime.time": "datetime.time",
    "datetime.date.today": "datetime.date",
    "datetime.date.fromisoformat": "datetime.date",
    "django.utils.timezone.now": "datetime.datetime",
    "django.utils.timezone.localtime": "datetime.datetime",
    "django.utils.timezone.localdate": "datetime.date",
    "django.utils.timezone.make_aware": "datetime.datetime",
    "django.utils.timezone.timedelta": "datetime.timedelta",
    "django.shortcuts.get_object_or_404": "django.model",
    "django.shortcuts.get_list_or_404": "builtins.list",
    "decimal.Decimal": "decimal.Decimal",
    "fractions.Fraction": "fractions.Fraction",
    "uuid.UUID": "uuid.UUID",
    "uuid.uuid1": "uuid.UUID",
    "uuid.uuid3": "uuid.UUID",
    "uuid.uuid4": "uuid.UUID",
    "uuid.uuid5": "uuid.UUID",
    "pathlib.Path": "pathlib.Path",
    "re.compile": "re.Pattern",
    "re.match": "re.Match",
    "re.search": "re.Match",
    "collections.OrderedDict": "builtins.dict",
    "collections.defaultdict": "builtins.dict",
    "collections.Counter": "builtins.dict",
    "collections.deque": "collections.deque",
    "dataclasses.asdict": "builtins.dict",
    "dataclasses.astuple": "builtins.tuple",
    "django.forms.models.model_to_dict": "builtins.dict",
    "django.forms.model_to_dict": "builtins.dict",
    "json.dumps": "builtins.str",
    "secrets.token_bytes": "builtins.bytes",
    "os.urandom": "builtins.bytes",
    "base64.b64encode": "builtins.bytes",
    "base64.b64decode": "builtins.bytes",
    "pickle.dumps": "builtins.bytes",
    "os.getpid": "builtins.int",
    "time.time": "builtins.float",
    "time.monotonic": "builtins.float",
    "io.BytesIO": "io.IOBase",
    "io.StringIO": "io.IOBase",
    "builtins.open": "io.IOBase",
    "io.open": "io.IOBase",
    "tempfile.NamedTemporaryFile": "io.IOBase",
    "tempfile.TemporaryFile": "io.IOBase",
    "pandas.DataFrame": "pandas.DataFrame",
    "pandas.Series": "pandas.Series",
    "pandas.concat": "pandas.DataFrame",
    "pandas.merge": "pandas.DataFrame",
    "pandas.pivot_table": "pandas.DataFrame",
    "pandas.json_normalize": "pandas.DataFrame",
    "pandas.Timestamp": "datetime.datetime",
    "PIL.Image.open": "PIL.Image.Image",
    "PIL.Image.new": "PIL.Image.Image",
    "types.SimpleNamespace": "types.SimpleNamespace",
}
ARRAYS = frozenset(
    {
        "array", "asarray", "zeros", "ones", "empty", "full", "arange", "linspace", "eye", "concatenate", "stack",
        "vstack", "hstack", "where", "random.rand", "random.randn", "random.randint", "random.normal", "dot", "cumsum",
        "zeros_like", "ones_like", "fromiter", "frombuffer", "load", "loadtxt", "genfromtxt", "sort", "unique",
    }
)  # fmt: skip
BUILTINS = {
    "dict": "dict", "list": "list", "sorted": "list", "tuple": "tuple", "set": "set", "frozenset": "frozenset",
    "str": "str", "repr": "str", "int": "int", "len": "int", "float": "float", "bool": "bool", "bytes": "bytes",
    "bytearray": "bytearray", "any": "bool", "all": "bool", "complex": "complex", "object": "object", "range": "range",
    "map": "map", "filter": "filter", "zip": "zip", "enumerate": "enumerate", "memoryview": "memoryview",
    "isinstance": "bool", "hash": "int", "iter": "iterator", "reversed": "reversed", "open": "open", "format": "str",
}  # fmt: skip
#: methods that tell the type of what they give, whatever they are called on
METHODS = {
    "encode": "builtins.bytes",
    "decode": "builtins.str",
    "isoformat": "builtins.str",
    "strftime": "builtins.str",
    "total_seconds": "builtins.float",
    "hexdigest": "builtins.str",
    "digest": "builtins.bytes",
    "model_dump": "builtins.dict",
    "model_dump_json": "builtins.str",
    "to_dict": "builtins.dict",
    "_asdict": "builtins.dict",
    "tolist": "builtins.list",
    "read_bytes": "builtins.bytes",
    "read_text": "builtins.str",
    "to_numpy": "numpy.ndarray",
}
STRINGS = frozenset({"format", "join", "strip", "lower", "upper", "replace", "title", "removeprefix", "removesuffix"})
SETS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
#: bases of project classes whose instances are carried as what they derive from
CARRIED = {
    "dict": "builtins.dict", "str": "builtins.str", "int": "builtins.int", "float": "builtins.float",
    "list": "builtins.list", "tuple": "builtins.tuple", "typing.NamedTuple": "builtins.tuple",
    "typing.TypedDict": "builtins.dict", "typing_extensions.TypedDict": "builtins.dict", "enum.StrEnum": "builtins.str",
    "enum.IntEnum": "builtins.int",
}  # fmt: skip


def known_call(dotted: str) -> str | None:
    """Return the kind of what a call of a full dotted name gives; ``None`` if it is not known."""
    if dotted in CALLED:
        return CALLED[dotted]
    owner, _, last = dotted.rpartition(".")
    if owner in ("datetime.datetime", "django.utils.timezone.datetime") and last in DATETIMES:
        return "datetime.datetime"
    if dotted.startswith("numpy.") and dotted.removeprefix("numpy.") in ARRAYS:
        return "numpy.ndarray"
    if owner == "pandas" and last.startswith("read_"):
        return "pandas.DataFrame"
    return None
