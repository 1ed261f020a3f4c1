"""settings.toml on disk: what may be there, and what an edit leaves whatever happens."""

import errno
import os
import stat
import threading

import msgspec
import pytest
from msgspec.structs import replace

from tests.endpoints.test_settings import COMMENTED
from tests.patience import quickest_cpu
from trayapp.endpoints.model import Endpoint, Settings
from trayapp.endpoints.settings import SettingsError, parse_settings
from trayapp.endpoints.settings_file import SettingsFile
from trayapp.endpoints.units import Duration
from trayapp.errors import UserError


@pytest.fixture
def file(tmp_path):
    return SettingsFile(tmp_path / "settings.toml")


def with_endpoint(url):
    return lambda settings: msgspec.structs.replace(settings, endpoint=(*settings.endpoint, Endpoint(url=url)))


def test_a_missing_file_means_defaults(file):
    assert file.load() == Settings()
    assert file.stamp() is None


def test_an_edit_is_on_disk_private_and_keeps_the_previous_copy(file):
    file.edit(with_endpoint("https://a.example/one"))
    first = file.path.read_text()
    file.edit(with_endpoint("https://a.example/two"))
    assert [each.id for each in file.load().endpoint] == ["one", "two"]
    assert file.previous.read_text() == first
    if os.name == "posix":
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.previous.stat().st_mode) == 0o600


def test_an_edit_that_changes_nothing_writes_nothing(file):
    file.edit(with_endpoint("https://a.example/one"))
    before = file.stamp()
    file.edit(lambda settings: settings)
    assert file.stamp() == before


def test_a_bad_edit_writes_nothing(file):
    file.edit(with_endpoint("https://a.example/one"))
    before = file.path.read_text()
    with pytest.raises(SettingsError, match="must begin with"):
        file.edit(with_endpoint("gopher://a.example"))
    assert file.path.read_text() == before


def test_a_broken_file_is_not_overwritten(file):
    file.path.write_text("[[endpoint]\n")
    with pytest.raises(SettingsError):
        file.edit(with_endpoint("https://a.example/one"))
    assert file.path.read_text() == "[[endpoint]\n"


def test_a_change_by_another_program_is_seen_and_kept(file):
    file.edit(with_endpoint("https://a.example/one"))
    stamp = file.stamp()
    file.path.write_text(file.path.read_text() + "\n# a note\n")
    assert file.stamp() != stamp
    file.edit(with_endpoint("https://a.example/two"))
    assert "# a note" in file.path.read_text()


def test_no_edit_is_lost_when_many_come_at_once(file):
    urls = [f"https://a.example/n{number}" for number in range(8)]
    threads = [threading.Thread(target=lambda url=url: file.edit(with_endpoint(url))) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.url for each in file.load().endpoint} == set(urls)


@pytest.mark.slow
def test_one_edit_among_thousands_takes_no_longer_than_reading_them(tmp_path):
    """With 5,000 endpoints the process takes 0.8 s of CPU, 0.3 s of that to start; by tomlkit alone 14 s."""
    file = SettingsFile(tmp_path / "settings.toml")
    file.path.write_text(
        "".join(
            f'\n# number {n}\n[[endpoint]]\nid = "e{n}"\nurl = "https://a.example/{n}"\nname = "E{n}"\n'
            f'[endpoint.table]\nname = "t{n}"\n'
            for n in range(5000)
        )
    )
    before = file.path.read_text()
    reading = quickest_cpu(lambda: parse_settings(before), 0)
    names = iter(range(10))

    def edit():
        name = f"edited {next(names)}"
        file.edit(
            lambda settings: replace(
                settings, endpoint=tuple(replace(e, name=name) if e.id == "e77" else e for e in settings.endpoint)
            )
        )

    assert quickest_cpu(edit, 5 * reading) < 5 * reading
    lines = zip(before.splitlines(), file.path.read_text().splitlines(), strict=True)
    assert [old for old, new in lines if old != new] == ['name = "E77"']


def test_a_byte_order_mark_and_windows_line_ends_are_read(file):
    file.path.write_bytes(b'\xef\xbb\xbf[[endpoint]]\r\nurl = "https://a.example/one"\r\n')
    assert file.load().endpoint[0].id == "one"
    file.edit(with_endpoint("https://a.example/two"))
    assert [each.id for each in file.load().endpoint] == ["one", "two"]


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links are POSIX")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "large"])
def test_what_is_no_settings_file_is_refused_at_once(file, kind):
    match kind:
        case "pipe":
            os.mkfifo(file.path)
        case "device":
            file.path.symlink_to("/dev/zero")
        case "folder":
            file.path.mkdir()
        case "large":
            file.path.write_text("#" * 50_000_000)
    for use in (file.load, lambda: file.edit(lambda settings: settings)):
        with pytest.raises(SettingsError, match="settings file can't be read"):
            use()


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX")
def test_a_link_stays_a_link(file, tmp_path):
    real = tmp_path / "elsewhere" / "dotfiles.toml"
    real.parent.mkdir()
    real.write_text('[[endpoint]]\nurl = "https://a.example/one"\n')
    file.path.symlink_to("elsewhere/dotfiles.toml")
    file.edit(with_endpoint("https://a.example/two"))
    assert file.path.is_symlink()
    assert [each.id for each in parse_settings(real.read_text()).endpoint] == ["one", "two"]
    assert sorted(path.name for path in real.parent.iterdir()) == ["dotfiles.toml"]
    assert "two" not in file.previous.read_text()


def test_what_a_killed_edit_left_is_removed_unless_one_goes_on(file):
    file.edit(with_endpoint("https://a.example/one"))
    kept = {path.name for path in file.path.parent.iterdir() if path.is_file()}
    left = ["settings.toml.new", "settings.toml.previous.new", "settings.tomla1b2c3_d", "settings.tomla1b2c3_d~"]
    others = ["settings.toml.mine", "settings.toml~", "new"]
    for name in left + others:
        (file.path.parent / name).write_text("")

    def cleaning(settings):
        SettingsFile(file.path).clean()
        assert {path.name for path in file.path.parent.iterdir() if path.is_file()} >= {*left}
        return settings

    file.edit(cleaning)
    file.clean()
    assert {path.name for path in file.path.parent.iterdir() if path.is_file()} == kept | {*others}


@pytest.mark.parametrize("moment", ["ready", "new", "previous"])
def test_an_edit_that_breaks_off_changes_nothing_and_leaves_nothing(file, monkeypatch, moment):
    file.edit(with_endpoint("https://a.example/one"))
    before = {path.name: path.read_bytes() for path in file.path.parent.iterdir() if path.is_file()}
    replace_file = os.replace

    def full(*names):
        if str(names[1]).endswith("previous") == (moment == "previous") and moment != "ready":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace_file(*names)

    monkeypatch.setattr(os, "replace", full)

    def ready():
        if moment == "ready":
            raise UserError("not now")

    with pytest.raises(UserError):
        file.edit(with_endpoint("https://a.example/two"), ready)
    after = {path.name: path.read_bytes() for path in file.path.parent.iterdir() if path.is_file()}
    assert after.pop("settings.toml.previous", None) in (None, before["settings.toml"])
    assert after == {name: content for name, content in before.items() if name != "settings.toml.previous"}


def test_what_is_no_text_is_explained(file):
    file.path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not encoded as UTF-8"):
        file.load()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_explained(file):
    file.path.parent.chmod(0o500)
    with pytest.raises(UserError, match="can't be written"):
        file.edit(with_endpoint("https://a.example/one"))


def test_what_another_program_wrote_counts_whatever_the_file_s_times_say(file):
    file.path.write_text(COMMENTED)
    before = file.load()
    assert file.load() is before, "not parsed again"
    times = file.path.stat()
    file.path.write_text(COMMENTED.replace("5m", "7m"))
    os.utime(file.path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.load().endpoint[0].every == Duration(7 * 60)
