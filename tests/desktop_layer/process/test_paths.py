"""Where files are, and what is said when they cannot be."""

import os
from pathlib import Path

import pytest

from trayapp.desktop.process.paths import find_home
from trayapp.errors import EnvironmentProblem


def test_a_given_folder_holds_everything(tmp_path: Path) -> None:
    home = find_home(tmp_path / "here", {"TRAYSYNC_HOME": "/elsewhere"})
    files = (home.settings_file, home.database, home.lock_file, home.log_file, home.staging, home.window_state)
    assert {file.parent for file in files} == {tmp_path / "here"}
    assert home.given == tmp_path / "here"


def test_the_variable_names_the_folder(tmp_path: Path) -> None:
    assert find_home(None, {"TRAYSYNC_HOME": str(tmp_path)}).database == tmp_path / "traysync.db"


def test_a_relative_folder_stays_the_same_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home("here").data == tmp_path / "here"


@pytest.mark.skipif(os.name != "posix", reason="XDG folders are POSIX")
def test_the_platform_folders_are_used_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    home = find_home(None, {})
    assert home.database == tmp_path / "data/traysync/traysync.db"
    assert home.settings_file == tmp_path / "config/traysync/settings.toml"
    assert home.given is None


def test_new_folders_are_private_and_existing_ones_keep_their_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    home = find_home(shared / "deep" / "er")
    home.create()
    home.create()
    assert [path.stat().st_mode & 0o777 for path in (shared, home.data.parent, home.data)] == [0o755, 0o700, 0o700]
    assert list(home.data.iterdir()) == []


@pytest.mark.parametrize("folder", ["file/home", "/proc/traysync"])
def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("")
    home = find_home(tmp_path / folder)
    with pytest.raises(EnvironmentProblem) as caught:
        home.create()
    assert caught.value.problem.code == "folder_not_writable"
    assert str(home.data) in caught.value.title
    assert "--home" in caught.value.next


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EnvironmentProblem) as caught:
        find_home(tmp_path).create()
    assert str(tmp_path) in caught.value.title


def test_the_socket_has_a_short_path_whatever_the_home(tmp_path: Path) -> None:
    near, far = find_home(tmp_path / "a").socket_address, find_home(tmp_path / ("b" * 120)).socket_address
    assert near == str(tmp_path / "a/traysync.sock")
    assert len(far.encode()) <= 100
    assert far == find_home(tmp_path / ("b" * 120)).socket_address
    assert far != find_home(tmp_path / ("c" * 120)).socket_address
