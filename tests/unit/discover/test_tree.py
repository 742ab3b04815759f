"""The tree and the modules: what is walked, what is read, and what files are called."""

import os
import socket
from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover import tree as tree_module
from rootcellar.specialist.discover.module_names import project_root
from rootcellar.specialist.discover.modules import Modules
from rootcellar.specialist.discover.tree import MOST_BYTES, Tree, tree_of


def reasons(tree: Tree) -> dict[str, str]:
    return {one.place.path: one.why for one in tree.unread}


def test_files_are_listed_in_order_without_what_others_made(tmp_path: Path) -> None:
    files = ["b.py", "a/x.py", ".git/config", "node_modules/y.js", "a/__pycache__/z.pyc", "dist/w.py", ".env"]
    assert lay_out(tmp_path, dict.fromkeys(files, "")).paths == (".env", "a/x.py", "b.py")


def test_a_package_called_build_is_code(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"src/build/__init__.py": "", "build/lib/a.py": ""})
    assert tree.paths == ("src/build/__init__.py",)


def test_a_virtual_environment_is_left_out_whatever_it_is_called(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"myenv/pyvenv.cfg": "", "myenv/lib/a.py": "", "b.py": ""})
    assert tree.paths == ("b.py",)


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a/b/c.py": ""})
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "a/self").symlink_to("self")
    tree = tree_of(tmp_path)
    assert tree.paths == ("a/b/c.py", "a/self")
    assert "a link to a folder" in reasons(tree)["a/b/up"]
    assert tree.text("a/self") is None
    assert "cannot be read" in reasons(tree)["a/self"]


def test_a_folder_is_known_by_its_own_path_and_not_by_a_link(tmp_path: Path) -> None:
    lay_out(tmp_path, {"z/c.py": ""})
    (tmp_path / "a").symlink_to(tmp_path / "z")
    assert tree_of(tmp_path).paths == ("z/c.py",)


def test_a_linked_folder_from_elsewhere_is_read(tmp_path: Path) -> None:
    lay_out(tmp_path / "shared", {"c.py": ""})
    (tmp_path / "project").mkdir()
    (tmp_path / "project/lib").symlink_to(tmp_path / "shared")
    assert tree_of(tmp_path / "project").paths == ("lib/c.py",)


def test_a_large_file_is_given_up_with_its_size(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"big.py": b"#" * (MOST_BYTES + 1)})
    assert tree.text("big.py") is None
    assert tree.text("big.py") is None
    assert [(one.place.path, one.why) for one in tree.unread] == [
        ("big.py", "it has 2,000,001 bytes; files above 2,000,000 are not read")
    ]


def test_a_socket_is_not_read(tmp_path: Path) -> None:
    short = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(tmp_path)  # a socket's path may have some 100 letters only
        try:
            server.bind("s")
        finally:
            os.chdir(before)
        os.mkfifo(tmp_path / "pipe.py")
        tree = tree_of(tmp_path)
        assert short.exists()
        assert (tree.text("s"), tree.text("pipe.py")) == (None, None)
    assert set(reasons(tree).values()) == {"it is no regular file"}


def test_a_file_that_is_gone_is_given_up(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"a.py": ""})
    (tmp_path / "a.py").unlink()
    assert tree.text("a.py") is None
    assert "No such file" in reasons(tree)["a.py"]


def test_more_files_than_anybody_has_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "MOST_FILES", 3)
    tree = lay_out(tmp_path, {f"{n}.py": "" for n in range(9)})
    assert len(tree.paths) == 3
    assert "more than 3 files" in next(iter(reasons(tree).values()))


ENCODINGS = {
    "UTF-8": "x = 'ü'".encode(),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + "x = 'ü'".encode(),
    "UTF-16": "x = 'ü'".encode("utf-16"),
    "Latin-1 that says so": "# -*- coding: latin-1 -*-\nx = 'ü'".encode("latin-1"),
    "Latin-1 that does not": "x = 'ü'".encode("latin-1"),
    "a cookie that lies": "# coding: utf-8\nx = 'ü'".encode("latin-1"),
    "Windows line ends": b"x = '\xc3\xbc'\r\ny = 1\r\n",
}


@pytest.mark.parametrize("raw", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_module_is_parsed_in_the_encoding(tmp_path: Path, raw: bytes) -> None:
    tree = lay_out(tmp_path, {"a.py": raw})
    module = Modules(tree).at("a.py")
    assert tree.unread == []
    assert module is not None
    assert module.names == ({"x": "a.x", "y": "a.y"} if b"y" in raw else {"x": "a.x"})
    assert "ü" in (tree.text("a.py") or "")


BROKEN = {
    "broken syntax": (b"x = (\n", 1),
    "Python 2": b"print 'a'\n",
    "a NUL byte": b"x = 1\x00\n",
    "an unknown encoding": b"# coding: klingon\nx = 1\n",
    "binary": bytes(range(256)),
    "a thousand brackets": b"x = " + b"(" * 1000 + b")" * 1000,
    "indentation": b"  x\n y\n",
}


@pytest.mark.parametrize(
    "raw", [one[0] if isinstance(one, tuple) else one for one in BROKEN.values()], ids=BROKEN.keys()
)
def test_what_is_no_python_is_reported(tmp_path: Path, raw: bytes) -> None:
    tree = lay_out(tmp_path, {"a.py": raw})
    assert Modules(tree).at("a.py") is None
    assert "can parse" in reasons(tree)["a.py"]


def test_invalid_escapes_of_others_raise_no_warning(tmp_path: Path) -> None:
    assert Modules(lay_out(tmp_path, {"a.py": b"x = '\\d'\nif x is 1: pass\n"})).at("a.py") is not None


NAMES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "a package": ({"shop/__init__.py": "", "shop/a.py": ""}, {"shop/__init__.py": "shop", "shop/a.py": "shop.a"}),
    "a package in src": ({"src/shop/__init__.py": "", "src/shop/a.py": ""}, {"src/shop/a.py": "shop.a"}),
    "a script in a folder": ({"scripts/a.py": "import os"}, {"scripts/a.py": "a"}),
    "a folder with relative imports": (
        {"shop/a.py": "from . import b", "shop/b.py": ""},
        {"shop/a.py": "shop.a", "shop/b.py": "shop.b"},
    ),
    "relative imports of two levels": (
        {"x/y/a.py": "from ..b import c", "x/b.py": ""},
        {"x/y/a.py": "x.y.a", "x/b.py": "x.b"},
    ),
    "a folder that is imported from": (
        {"shop/a.py": "", "main.py": "from shop.a import b"},
        {"shop/a.py": "shop.a", "main.py": "main"},
    ),
    "a folder whose module is imported": ({"shop/a.py": "", "main.py": "import os, shop.a"}, {"shop/a.py": "shop.a"}),
    "a folder that a text names": ({"shop/a.py": "", "main.py": "x('shop.a')"}, {"shop/a.py": "shop.a"}),
    "a folder that holds packages": (
        {"services/api/api/__init__.py": "", "services/api/api/a.py": ""},
        {"services/api/api/a.py": "api.a"},
    ),
    "a namespace of packages": (
        {"corp/shop/__init__.py": "", "corp/shop/a.py": "from corp.shop import b"},
        {"corp/shop/a.py": "corp.shop.a"},
    ),
    "a folder with manage.py": (
        {"web/__init__.py": "", "web/manage.py": "", "web/shop/__init__.py": ""},
        {"web/shop/__init__.py": "shop"},
    ),
    "a folder that no import can name": ({"my-app/__init__.py": "", "my-app/a.py": ""}, {"my-app/a.py": "a"}),
    "src that is itself imported": ({"src/a.py": "from src.b import c", "src/b.py": ""}, {"src/a.py": "src.a"}),
    "another package's name": ({"config/a.py": "from config import Settings"}, {"config/a.py": "a"}),
}


@pytest.mark.parametrize(("files", "names"), NAMES.values(), ids=NAMES.keys())
def test_a_module_is_called_as_imports_call_it(tmp_path: Path, files: dict[str, str], names: dict[str, str]) -> None:
    modules = Modules(lay_out(tmp_path, files))
    assert {path: modules.name_of[path] for path in names} == names


def test_of_modules_with_one_name_the_nearest_is_found(tmp_path: Path) -> None:
    modules = Modules(lay_out(tmp_path, {"a/conf.py": "", "b/c/conf.py": "", "b/c/main.py": ""}))
    assert modules.path_of["conf"] == "a/conf.py"
    found = modules.named("conf", near="b/c/main.py")
    assert found is not None
    assert found.path == "b/c/conf.py"
    assert modules.named("nothing") is None


def test_relative_imports_and_own_names_are_full_names(tmp_path: Path) -> None:
    code = (
        "from . import a\nfrom ..x import b as c\nimport d.e\nimport f.g as h\nclass K: ...\nl = 1\nfrom q import *\n"
    )
    module = Modules(lay_out(tmp_path, {"p/__init__.py": "", "p/o/__init__.py": "", "p/o/m.py": code})).named("p.o.m")
    assert module is not None
    assert module.names == {
        "a": "p.o.a",
        "c": "p.x.b",
        "d": "d",
        "h": "f.g",
        "K": "p.o.m.K",
        "l": "p.o.m.l",
    }
    assert module.stars == ("q",)


def test_files_that_mention_a_word_are_found_whatever_their_encoding(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.py": "import celery",
        "b.py": "Celery()".encode("utf-16"),
        "c.py": "x = 1",
        "d.txt": "celery",
    }
    modules = Modules(lay_out(tmp_path, files))
    assert modules.mentioning("celery") == ["a.py"]
    assert modules.mentioning("celery", "Celery") == ["a.py", "b.py"]
    assert modules.mentioning("x = 1") == ["c.py"]


def test_files_are_read_once_for_all_known_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = Modules(lay_out(tmp_path, {"a.py": "import celery"}))
    read: list[str] = []
    raw = Tree.raw
    monkeypatch.setattr(Tree, "raw", lambda self, path: (read.append(path), raw(self, path))[1])
    for word in ("celery", "chord", "apply_async", ".conf."):
        modules.mentioning(word)
    assert read == ["a.py"]


def test_few_trees_are_kept(tmp_path: Path) -> None:
    modules = Modules(lay_out(tmp_path, {f"m{n}.py": "x = 1" for n in range(60)}))
    first = modules.at("m0.py")
    for path in modules:
        modules.at(path)
    assert modules.at("m0.py") is not first


@pytest.mark.parametrize(
    ("path", "root"),
    [("a.py", ""), ("api/x/a.py", "api"), ("jobs/deep/er/a.py", "jobs/deep"), ("other/a.py", "")],
)
def test_the_project_of_a_file_is_the_nearest_folder_with_a_project_file(tmp_path: Path, path: str, root: str) -> None:
    files = dict.fromkeys(
        ["pyproject.toml", "api/requirements-dev.txt", "jobs/setup.py", "jobs/deep/Pipfile", path], ""
    )
    assert project_root(path, lay_out(tmp_path, files)) == root


def test_odd_file_names_are_read(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    (tmp_path / name).write_text("import celery")
    (tmp_path / "new\nline.py").write_text("import celery")
    modules = Modules(tree_of(tmp_path))
    assert set(modules.mentioning("celery")) == {name, "new\nline.py"}
    assert all(modules.at(path) is not None for path in modules)


def test_folders_that_lie_absurdly_deep_are_not_looked_at(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(150):
        deepest = deepest / "d"
    deepest.mkdir(parents=True)
    (deepest / "tasks.py").write_text("import celery")
    tree = tree_of(tmp_path)
    assert tree.paths == ()
    assert [one.why for one in tree.unread] == ["it lies more than 100 folders deep; those in it are not looked at"]
