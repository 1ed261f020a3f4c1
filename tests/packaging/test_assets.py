import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from trayapp.assets import resource

ROOT = Path(__file__).parents[2]


def test_a_checkout_reads_its_own_resources() -> None:
    assert resource("desktop", "traysync.desktop") == ROOT / "resources/desktop/traysync.desktop"
    assert resource("icons").is_dir()


def test_a_resource_that_is_not_shipped_is_an_error_that_names_it() -> None:
    with pytest.raises(FileNotFoundError, match=r"icons/none\.svg"):
        resource("icons", "none.svg")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("traysync-*.whl")
    return built


def test_the_wheel_holds_the_resources_inside_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {name.removeprefix("trayapp/resources/") for name in names if name.startswith("trayapp/resources/")}
    here = {
        str(path.relative_to(ROOT / "resources"))
        for path in (ROOT / "resources").rglob("*")
        if path.is_file() and "screenshots" not in path.parts
    }
    assert shipped == here
    assert {name.split("/")[0].split("-")[0] for name in names} == {"trayapp", "traysync"}
    assert "trayapp/py.typed" in names


def test_the_program_in_a_wheel_finds_its_resources(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    found = subprocess.run(
        [sys.executable, "-c", "from trayapp.assets import resource; print(resource('desktop', 'traysync.desktop'))"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(found.stdout.strip()) == tmp_path / "trayapp/resources/desktop/traysync.desktop"
