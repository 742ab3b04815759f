"""Packages are read from every file that says so."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.packaging.packages import find_packages
from rootcellar.specialist.profile import Package, Place

Row = tuple[str, str, str, str, int]


def rows(packages: list[Package], *names: str) -> list[Row]:
    """Name, origin, specifier, version and line of the packages of these names."""
    return [
        (one.name, one.origin, one.specifier, one.version, one.place.line)
        for one in packages
        if not names or one.name in names
    ]


FORMS: dict[str, tuple[str, str, list[Row]]] = {
    "requirements": (
        "requirements.txt",
        """
        # a comment
        Celery[redis,msgpack]==5.3.6  # the one
        kombu >=5.3, <5.4
        redis~=5.0 ; python_version >= "3.8"
        pywin32==300 ; sys_platform == "win32"
        SQLAlchemy==2.0.30 \\
            --hash=sha256:aaaa \\
            --hash=sha256:bbbb
        psycopg[binary]
        --index-url https://user:pw@pypi.example.org/simple
        git+https://github.com/celery/django-celery-results.git@v2.5.1#egg=django-celery-results
        https://example.org/wheels/pymongo-4.6.1-py3-none-any.whl
        gevent @ https://example.org/gevent-24.2.1.tar.gz
        ???
        """,
        [
            ("celery", "requirement", "==5.3.6", "5.3.6", 2),
            ("kombu", "requirement", ">=5.3,<5.4", "", 3),
            ("redis", "requirement", "~=5.0", "", 4),
            ("pywin32", "requirement", "==300", "300", 5),
            ("sqlalchemy", "requirement", "==2.0.30", "2.0.30", 6),
            ("psycopg", "requirement", "", "", 9),
            ("django-celery-results", "requirement", "", "2.5.1", 11),
            ("pymongo", "requirement", "==4.6.1", "4.6.1", 12),
            ("gevent", "requirement", "", "", 13),
        ],
    ),
    "PEP 621": (
        "pyproject.toml",
        """
        [project]
        name = "shop"
        dependencies = [
            "celery[redis]>=5.3,<6",
            'redis>=5; python_version >= "3.8"',
        ]
        [project.optional-dependencies]
        mongo = ["pymongo"]
        [dependency-groups]
        test = ["pytest>=8", {include-group = "lint"}]
        """,
        [
            ("celery", "requirement", ">=5.3,<6", "", 4),
            ("redis", "requirement", ">=5", "", 5),
            ("pymongo", "requirement", "", "", 8),
            ("pytest", "requirement", ">=8", "", 10),
        ],
    ),
    "Poetry": (
        "pyproject.toml",
        """
        [tool.poetry]
        name = "shop"
        [tool.poetry.dependencies]
        python = "^3.11"
        celery = {version = "^5.3", extras = ["redis"]}
        redis = "~5.0.1"
        kombu = "5.3.4"
        own = {path = "../own"}
        [tool.poetry.group.dev.dependencies]
        pytest = "*"
        """,
        [
            ("celery", "requirement", ">=5.3,<6", "", 5),
            ("redis", "requirement", ">=5.0.1,<5.1", "", 6),
            ("kombu", "requirement", "==5.3.4", "5.3.4", 7),
            ("own", "requirement", "", "", 8),
            ("pytest", "requirement", "", "", 10),
        ],
    ),
    "Poetry's table of one package": (
        "pyproject.toml",
        """
        [tool.poetry.dependencies.celery]
        version = "^5.4"
        """,
        [("celery", "requirement", ">=5.4,<6", "", 1)],
    ),
    "Pipfile": (
        "Pipfile",
        """
        [packages]
        celery = "==5.4.0"
        redis = {version = ">=5", extras = ["hiredis"]}
        [dev-packages]
        pytest = "*"
        """,
        [
            ("celery", "requirement", "==5.4.0", "5.4.0", 2),
            ("redis", "requirement", ">=5", "", 3),
            ("pytest", "requirement", "", "", 5),
        ],
    ),
    "setup.cfg": (
        "setup.cfg",
        """
        [options]
        install_requires =
            celery>=5.2
            # not this one
            redis
        [options.extras_require]
        mongo = pymongo>=4
        """,
        [
            ("celery", "requirement", ">=5.2", "", 3),
            ("redis", "requirement", "", "", 5),
            ("pymongo", "requirement", ">=4", "", 7),
        ],
    ),
    "setup.py": (
        "setup.py",
        """
        from setuptools import setup
        raise SystemExit("it must not be run")
        REQUIRES = ["celery>=5.2"]
        setup(
            install_requires=REQUIRES + ["redis"],
            extras_require={"test": ["pytest"]},
        )
        """,
        [
            ("celery", "requirement", ">=5.2", "", 3),
            ("redis", "requirement", "", "", 5),
            ("pytest", "requirement", "", "", 6),
        ],
    ),
    "poetry.lock": (
        "poetry.lock",
        """
        # generated
        [[package]]
        name = "celery"
        version = "5.3.6"

        [package.dependencies]
        kombu = ">=5.3.4,<6.0"

        [[package]]
        name = "kombu"
        version = "5.3.7"
        """,
        [("celery", "lock", "==5.3.6", "5.3.6", 4), ("kombu", "lock", "==5.3.7", "5.3.7", 11)],
    ),
    "uv.lock": (
        "uv.lock",
        """
        version = 1
        [[package]]
        name = "shop"
        version = "0.1.0"
        source = { virtual = "." }
        [[package]]
        name = "celery"
        version = "5.5.3"
        source = { registry = "https://pypi.org/simple" }
        """,
        [("celery", "lock", "==5.5.3", "5.5.3", 8)],
    ),
    "pdm.lock": (
        "pdm.lock",
        """
        [[package]]
        name = "celery"
        version = "5.5.3"
        groups = ["default"]
        """,
        [("celery", "lock", "==5.5.3", "5.5.3", 3)],
    ),
    "Pipfile.lock": (
        "Pipfile.lock",
        """
        {
            "_meta": {"hash": {}},
            "default": {
                "celery": {
                    "version": "==5.4.0"
                }
            },
            "develop": {}
        }
        """,
        [("celery", "lock", "==5.4.0", "5.4.0", 4)],
    ),
    "conda": (
        "environment.yml",
        """
        name: shop
        channels:
          - conda-forge
        dependencies:
          - python=3.11
          - celery=5.3
          - conda-forge::redis-py=5.0.1=py311_0
          - pip:
            - kombu>=5.3
        """,
        [
            ("celery", "requirement", "==5.3.*", "", 6),
            ("redis-py", "requirement", "==5.0.1", "5.0.1", 7),
            ("kombu", "requirement", ">=5.3", "", 9),
        ],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read(form: str, tmp_path: Path) -> None:
    path, text, expected = FORMS[form]
    tree = lay_out(tmp_path, {path: text})

    assert rows(find_packages(tree)) == expected
    assert not tree.unread


def test_extras_are_kept(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"requirements.txt": "celery[redis,Auth]>=5\n"})

    assert find_packages(tree)[0].extras == ("Auth", "redis")


def test_a_marker_that_does_not_hold_leaves_the_other_one(tmp_path: Path) -> None:
    text = 'celery==5.2.7; python_version < "3.8"\ncelery==5.3.6; python_version >= "3.8"\n'
    tree = lay_out(tmp_path, {"requirements.txt": text})

    assert rows(find_packages(tree)) == [("celery", "requirement", "==5.3.6", "5.3.6", 2)]


def test_what_is_included_counts_for_the_folder_that_includes_it(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "base.txt": "celery==5.3.6\n",
            "api/requirements.txt": "-r ../base.txt\n-r requirements.txt\n-r gone.txt\nredis\n",
            "requirements/dev.txt": "-r base.txt\npytest\n",
            "requirements/base.txt": "kombu\n",
        },
    )

    found = {(one.name, one.root, one.place, one.is_for_development) for one in find_packages(tree)}

    assert found == {
        ("celery", "api", Place("base.txt", 1), False),
        ("redis", "api", Place("api/requirements.txt", 4), False),
        ("kombu", "", Place("requirements/base.txt", 1), False),
        ("kombu", "", Place("requirements/base.txt", 1), True),
        ("pytest", "", Place("requirements/dev.txt", 2), True),
    }


def test_a_constraint_pins_only_what_is_asked_for(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {"requirements.txt": "-c constraints.txt\ncelery>=5.2\n", "constraints.txt": "celery==5.3.6\nredis==5.0.1\n"},
    )

    assert rows(find_packages(tree)) == [
        ("celery", "lock", "==5.3.6", "5.3.6", 1),
        ("celery", "requirement", ">=5.2", "", 2),
    ]


def test_what_a_virtual_environment_holds_is_installed(tmp_path: Path) -> None:
    packages = ".venv/lib/python3.11/site-packages"
    tree = lay_out(
        tmp_path,
        {
            "pyproject.toml": "",
            ".venv/pyvenv.cfg": "home = /usr/bin\n",
            f"{packages}/celery-5.4.0.dist-info/METADATA": "",
            f"{packages}/Django_Results-2.5.dist-info/METADATA": "",
            f"{packages}/celery/__init__.py": "raise SystemExit",
        },
    )

    assert rows(find_packages(tree)) == [
        ("django-results", "installed", "==2.5", "2.5", 0),
        ("celery", "installed", "==5.4.0", "5.4.0", 0),
    ]


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("pyproject.toml", "[project\n", "it is no well-formed TOML"),
        ("uv.lock", "a = \n", "it is no well-formed TOML"),
        ("Pipfile.lock", "{", "it is no well-formed JSON"),
        ("setup.cfg", "install_requires\n", "it is no well-formed setup.cfg"),
    ],
)
def test_what_is_broken_is_unread_with_a_reason(path: str, text: str, why: str, tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {path: text})

    assert find_packages(tree) == []
    assert [(one.place.path, one.why) for one in tree.unread] == [(path, why)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", "project = 3\ntool = []\n"),
        ("pyproject.toml", "[project]\ndependencies = 'celery'\n[tool.poetry]\ndependencies = ['celery']\n"),
        ("pyproject.toml", "[tool.poetry.dependencies]\ncelery = 5\nkombu = {extras = 3}\nvine = [1, 'x']\n"),
        ("Pipfile.lock", "[1]"),
        ("poetry.lock", "package = [1, {name = 'x'}, {name = 3, version = '1'}]\n"),
        ("setup.py", "def setup(:\n"),
        ("setup.cfg", "[options]\na\n  b\ninstall_requires\n  celery\n"),
        ("setup.py", "A = B\nB = A\nsetup(install_requires=A + B + [A], extras_require=3)\n"),
        ("requirements.txt", "\x00\x01\n-r \n-e\n-e .\n[]\n==\n"),
    ],
)
def test_nonsense_is_survived(path: str, text: str, tmp_path: Path) -> None:
    find_packages(lay_out(tmp_path, {path: text}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("Pipfile.lock", '{"default": {"celery": {"version": "==%s"}}}', id="locked"),
        pytest.param("requirements.txt", "celery==%s\n", id="required"),
        pytest.param("pyproject.toml", '[project]\ndependencies = ["celery==%s"]\n', id="in a pyproject.toml"),
    ],
)
def test_a_number_that_is_too_long_for_python_is_no_version(path: str, text: str, tmp_path: Path) -> None:
    assert [one.version for one in find_packages(lay_out(tmp_path, {path: text % ("9" * 5000)}))] in ([""], [])
