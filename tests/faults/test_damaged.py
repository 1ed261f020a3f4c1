"""Every page of a small database damaged, one at a time: a start and a sync later all that can be right is right.

A sample of that is tested; all with TRAYSYNC_ALL_PAGES=1, which takes minutes.
"""

import itertools
import os
import random
import shutil

import pytest

from tests.faults.stocked import Stocked
from tests.server import ApiServer

pytestmark = [pytest.mark.slow]
PAGE = 4096
SAMPLE = 80


def zeros(data, page, random):
    return put(data, page, bytes(PAGE))


def ones(data, page, random):
    return put(data, page, b"\xff" * PAGE)


def noise(data, page, random):
    return put(data, page, random.randbytes(PAGE))


def copied(data, page, random):
    other = random.choice([each for each in range(len(data) // PAGE) if each != page])
    return put(data, page, data[other * PAGE : (other + 1) * PAGE])


def cut(data, page, random):
    return data[: page * PAGE]


def put(data, page, new):
    return data[: page * PAGE] + new + data[(page + 1) * PAGE :]


def test_every_page_may_be_damaged(tmp_path):
    seed = 5
    with ApiServer() as api:
        folder, kept = tmp_path / "data", tmp_path / "kept"
        folder.mkdir()
        home = Stocked(folder, api)
        home.make()
        before = home.runs()
        shutil.copytree(folder, kept, copy_function=shutil.copy2)
        sound = home.home.database.read_bytes()
        ways = (zeros, ones, noise, copied, cut)
        cases = list(itertools.product(ways, range(len(sound) // PAGE), (True, False)))
        if not os.environ.get("TRAYSYNC_ALL_PAGES"):
            cases = random.Random(seed).sample(cases, SAMPLE)
        for way, page, has_backup in cases:
            shutil.rmtree(folder)
            shutil.copytree(kept, folder, copy_function=shutil.copy2)
            if not has_backup:
                shutil.rmtree(folder / "backups")
            damaged = way(sound, page, random.Random(f"{seed} {page}"))
            home.home.database.write_bytes(damaged)
            try:
                check(home, damaged, before, has_backup)
            except BaseException as error:
                error.add_note(f"{way.__name__} {page}, {'with' if has_backup else 'without'} backup")
                raise


def check(home, damaged, before, has_backup):
    told = home.sync(2)
    asides = list(home.home.data.glob("traysync.db.damaged-*"))
    if not told:
        # SQLite has no checksums: a page that could stand there is none that it would notice.
        home.sync(2, full=True)
        assert home.is_mirrored()
        assert asides == []
        return
    if damaged:
        (aside,) = (each for each in asides if not each.name.endswith("-wal"))
        assert aside.read_bytes() == damaged
    assert home.is_mirrored(), told
    for table, (found, expected) in home.kept().items():
        if found != expected:
            assert table in told or "list of tables" in told or "is not known" in told
        if has_backup:
            assert set(expected) <= set(found), told
    if not before <= home.runs():
        assert "history" in told or "list of tables" in told
        assert not has_backup
    assert home.sync(4) == ""
    assert home.is_mirrored()
