"""The kinds of what Django's managers and querysets give."""

import ast

from rootcellar.specialist.discover.results.kind import UNKNOWN, Kind

_QUERYSETS = frozenset(
    {
        "all", "filter", "exclude", "order_by", "annotate", "distinct", "select_related", "prefetch_related", "values",
        "values_list", "only", "defer", "reverse", "using", "union", "intersection", "difference", "raw", "none",
        "select_for_update", "dates", "datetimes", "extra", "alias",
    }
)  # fmt: skip
_MODELS = frozenset({"get", "first", "last", "create", "latest", "earliest", "acreate", "aget", "afirst", "alast"})
#: of Django's managers, methods that give something else
_OF_MANAGER = {
    "count": Kind("builtins.int"),
    "exists": Kind("builtins.bool"),
    "update": Kind("builtins.int"),
    "aggregate": Kind("builtins.dict"),
    "in_bulk": Kind("builtins.dict", ("django.model",)),
    "delete": Kind("builtins.tuple"),
    "get_or_create": Kind("builtins.tuple", ("django.model", "builtins.bool")),
    "update_or_create": Kind("builtins.tuple", ("django.model", "builtins.bool")),
    "bulk_create": Kind("builtins.list", ("django.model",)),
    "iterator": Kind("types.GeneratorType"),
}


def of_manager(func: ast.Attribute) -> Kind | None:
    """Return what ``Model.objects.filter(…).values()…`` gives, by its last method; ``None`` if it is no such thing."""
    node: ast.expr = func.value
    first = True
    while True:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in _QUERYSETS:
                return None
            node, first = node.func.value, False
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            break
    if not isinstance(node, ast.Attribute) or not (node.attr == "objects" or node.attr.endswith("_objects")):
        return None
    chain = ast.unparse(func.value) if not first else ""
    if func.attr in _MODELS and (".values(" in chain or ".values_list(" in chain):
        return Kind("builtins.dict" if ".values(" in chain else "unknown")
    return of_queryset(func.attr)


def of_queryset(method: str) -> Kind:
    """Return what a method of a queryset, or of a manager, gives."""
    if method in _QUERYSETS:
        inside = {"values": ("builtins.dict",), "values_list": ("builtins.tuple",)}.get(method, ())
        return Kind("django.queryset", inside)
    if method in _MODELS:
        return Kind("django.model")
    return _OF_MANAGER.get(method, UNKNOWN)
