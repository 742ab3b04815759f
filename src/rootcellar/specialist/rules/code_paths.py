"""Paths of code: what is only there to try the rest."""

import re

_TESTS = re.compile(
    r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest|tests)\.py$|(^|/)(settings|config|conf)/tests?(ing)?\.py$"
)


def is_in_tests(path: str) -> bool:
    """Whether a file is one of the project's tests, by its path.

    >>> [is_in_tests(path) for path in ("tests/.env", "shop/tests.py", "shop/conftest.py", "shop/contest.py")]
    [True, True, True, False]
    >>> is_in_tests("config/settings/test.py"), is_in_tests("shop/test.py")
    (True, False)
    """
    return _TESTS.search(path) is not None
