"""The autostart entry as GLib, which most desktops use, reads it."""

from pathlib import Path

import pytest

from tests.desktop.session import Desktop
from tests.desktop.waiting import wait_for
from trayapp.desktop.session.autostart.xdg import XdgEntry

SCRIPT = """#!/bin/sh
printf '%s\\n' "$@" > '{got}.new'
mv '{got}.new' '{got}'
"""


@pytest.mark.parametrize("name", ["plain", "with space", 'q"u$o`t\\e', "100%", "grün;&|<>~*?#()'"])
def test_the_program_gets_its_arguments_as_they_are(desktop: Desktop, tmp_path: Path, name: str) -> None:
    got = tmp_path / "got"
    program = tmp_path / "a program"
    program.write_text(SCRIPT.format(got=got))
    program.chmod(0o700)
    entry = XdgEntry(tmp_path / "traysync.desktop")
    entry.write((str(program), "--home", name, "--background"))
    desktop.run("gio", "launch", str(tmp_path / "traysync.desktop"))
    wait_for(got.exists, "the started program")
    assert got.read_text().splitlines() == ["--home", name, "--background"]
