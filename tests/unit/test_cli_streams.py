"""Streams: whatever they can show, and even where they are closed, a command prints and ends as it should."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from project_files import lay_out

FILES = {
    "caf\xe9.py": "from celery import Celery\n\napp = Celery('x', backend='redis://:\u2603\u2603\u2603\u2603x@h.example.org/1')\n"
}
COMMANDS = ["inspect", "inspect --json", "check", "check --json"]


def ran(root: Path, command: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "rootcellar", *command.split(), str(root)],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_letters_that_a_stream_cannot_show_are_escaped(command: str, tmp_path: Path) -> None:
    lay_out(tmp_path, FILES)
    result = ran(tmp_path, command, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode in (0, 1)
    assert result.stderr == b""
    assert b"caf" in result.stdout
    if "--json" in command:
        json.loads(result.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell's redirection")
@pytest.mark.parametrize("command", ["inspect", "check"])
def test_a_closed_output_is_no_error(command: str, tmp_path: Path) -> None:
    lay_out(tmp_path, FILES)
    line = f"{sys.executable} -m rootcellar {command} {tmp_path} >&-"
    result = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, check=False)
    assert (result.returncode, result.stderr) == (int(command == "check"), b"")


def test_a_current_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f"rmdir {gone} && exec {sys.executable} -m rootcellar check"
    result = subprocess.run(["sh", "-c", line], cwd=gone, capture_output=True, check=False)
    assert result.returncode == 2
    assert b"The current folder is gone" in result.stderr


def test_an_interrupt_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "baseline.json")  # to wait in
    process = subprocess.Popen(
        [sys.executable, "-m", "rootcellar", "check", str(tmp_path), "--baseline", str(tmp_path / "baseline.json")],
        stderr=subprocess.PIPE,
    )
    with (tmp_path / "baseline.json").open("wb"):  # open once it reads
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (130, b"Interrupted.\n")
