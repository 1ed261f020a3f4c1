"""What the project's own files promise each other: locks, scripts, layout."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import trayapp

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "packaging/requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("needs git, and a checkout")
    listed = subprocess.run(
        ["git", "-C", ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def locked(name: str) -> dict[str, list[str]]:
    """Every entry of a lock by its normal name, as its lines: the pin, then the hashes."""
    entries: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (ROOT / f"packaging/requirements/{name}.txt").read_text().splitlines():
        if line.startswith("    "):
            current.append(line.strip(" \\"))
        elif line and not line.startswith("#"):
            current = entries.setdefault(normal(re.split(r"[=<>!~\[; ]", line)[0]), [])
            current.append(line.strip(" \\"))
    return entries


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[=<>!~\[; ]", each)[0]) for each in requirements}


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("runtime", PROJECT["project"]["dependencies"]),
        ("dev", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]),
        ("build", PROJECT["dependency-groups"]["build"]),
        ("package", PROJECT["dependency-groups"]["package"]),
        ("audit", PROJECT["dependency-groups"]["audit"]),
    ],
)
def test_every_dependency_is_locked(lock: str, requirements: list[str]) -> None:
    assert names(requirements) <= set(locked(lock))


@pytest.mark.parametrize("lock", [path.stem for path in LOCKS])
def test_every_locked_package_has_one_version_and_its_hashes(lock: str) -> None:
    for name, lines in locked(lock).items():
        pins = [line for line in lines if not line.startswith("--hash=")]
        hashes = [line for line in lines if line.startswith("--hash=")]
        assert all("==" in pin for pin in pins), name
        assert hashes, f"{name} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), name


def test_one_environment_can_hold_all_locks() -> None:
    versions: dict[str, set[tuple[str, ...]]] = {}
    for path in LOCKS:
        for name, lines in locked(path.stem).items():
            pins = tuple(line.split(" ;")[0] for line in lines if "==" in line and not line.startswith("--"))
            versions.setdefault(name, set()).add(pins)
    assert {name: pins for name, pins in versions.items() if len(pins) > 1} == {}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_bill_of_materials_names_what_is_locked_and_nothing_else() -> None:
    subprocess.run(["sh", ROOT / "packaging/audit.sh", "sbom"], check=True, capture_output=True)
    bill = json.loads((ROOT / f"dist/traysync_{trayapp.__version__}.cdx.json").read_text())
    listed = {(normal(each["name"]), each["version"]) for each in bill["components"]}
    pins = [re.match(r"([^=]+)==(\S+)", line) for lines in locked("runtime").values() for line in lines]
    assert listed == {(normal(pin[1]), pin[2]) for pin in pins if pin}
    assert bill["specVersion"] == "1.6"
    assert bill["metadata"]["component"]["name"] == "traysync"


def test_no_tracked_file_names_a_package_index() -> None:
    hosts = re.compile(rb"(pythonhosted|pypi)" rb"\.org|--(extra-)?index" rb"-url|--find" rb"-links")
    assert [path for path in tracked() if hosts.search(path.read_bytes())] == []


def test_the_top_level_holds_only_what_it_should() -> None:
    allowed = {"trayapp", "resources", "packaging", "tests", "README.md", "LICENSE", "pyproject.toml"}
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in top if not name.startswith(".")} == allowed


def scripts() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".sh" or path == ROOT / ".ci/run"]


def test_the_shell_scripts_are_well_formed() -> None:
    for script in scripts():
        shell = script.read_text().splitlines()[0].rpartition("/")[2].rpartition(" ")[2].removeprefix("shell=")
        assert shell in ("sh", "bash"), script
        subprocess.run([shell, "-n", script], check=True)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    found = subprocess.run(
        ["shellcheck", "-x", "-P", "SCRIPTDIR", *scripts()], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""


@pytest.mark.skipif(not shutil.which("desktop-file-validate"), reason="desktop-file-utils is not installed")
def test_the_desktop_entry_is_valid() -> None:
    found = subprocess.run(
        ["desktop-file-validate", ROOT / "resources/desktop/traysync.desktop"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_the_app_store_entry_tells_this_version() -> None:
    metainfo = (ROOT / "resources/desktop/org.traysync.traysync.metainfo.xml").read_text()
    assert f'<release version="{trayapp.__version__}"' in metainfo
