"""Which programs run."""

from collections.abc import Iterable


def running(names: Iterable[str]) -> dict[str, bool]:
    """For each name whether a program of that name runs, of anybody; case and ".exe" do not matter."""
    import psutil

    found = {_plain(process.info["name"] or "") for process in psutil.process_iter(["name"])}
    return {name: _plain(name) in found for name in names}


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".exe")
