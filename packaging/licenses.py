"""Prints the licences of every Python package in the environment that runs it, as the frozen program ships them."""

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

BUILD_TOOLS = {"pip", "setuptools", "pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "packaging"}


def license_texts(package: Distribution) -> list[str]:
    names = ("license", "licence", "copying", "notice", "copyright")
    files = [file for file in package.files or () if file.name.lower().startswith(names) and ".dist-info" in str(file)]
    return [Path(str(package.locate_file(file))).read_text(encoding="utf-8", errors="replace") for file in files]


def summary(package: Distribution) -> str:
    fields = package.metadata
    named = fields.get("License-Expression") or fields.get("License") or ""
    classified = [each.split(" :: ")[-1] for each in fields.get_all("Classifier", []) if each.startswith("License ::")]
    return named.splitlines()[0] if named else ", ".join(classified)


def main() -> None:
    print(
        f"Python {sys.version.split()[0]}: Python Software Foundation License, https://docs.python.org/3/license.html"
    )
    for package in sorted(distributions(), key=lambda each: each.name.lower()):
        if package.name.lower() in BUILD_TOOLS:
            continue
        print(f"\n{'=' * 80}\n{package.name} {package.version}: {summary(package)}\n")
        print("\n".join(license_texts(package)))


if __name__ == "__main__":
    main()
