"""The frozen program, built and run: some mistakes (a forgotten import, a lost data file) show nowhere else."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEM_PYTHON = Path("/usr/bin/python3")


def missing_parts() -> list[str]:
    programs = [name for name in ("dpkg-deb", "dpkg-shlibdeps", "objdump") if not shutil.which(name)]
    libraries = [] if list(Path("/usr/lib").glob("*/libpython3.*.so.1.0")) else ["libpython3"]
    return programs + libraries + ([] if SYSTEM_PYTHON.exists() else [str(SYSTEM_PYTHON)])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(bool(missing_parts()), reason=f"freezing needs {', '.join(missing_parts())}")
def test_the_frozen_program_works() -> None:
    built = subprocess.run(
        ["sh", ROOT / "packaging/build.sh", "linux", "--smoke"], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (package,) = (ROOT / "dist").glob("traysync_*.deb")
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    for path in (
        "./usr/bin/traysync -> ../lib/traysync/traysync",
        "./usr/share/applications/traysync.desktop",
        "./usr/share/icons/hicolor/scalable/apps/traysync.svg",
        "./usr/share/icons/hicolor/16x16/apps/traysync.png",
        "./usr/share/icons/hicolor/256x256/apps/traysync.png",
        "./usr/share/metainfo/org.traysync.traysync.metainfo.xml",
        "./usr/share/man/man1/traysync.1.gz",
        "./usr/share/doc/traysync/copyright",
    ):
        assert f" {path}\n" in listed
