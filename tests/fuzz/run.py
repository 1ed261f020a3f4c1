"""Look for inputs that a target can't take: `python -m tests.fuzz.run TARGET --seconds 60`, or `all`.

Guided by coverage where `atheris` is installed (it is no dependency), else by chance; --plain is by chance anyway. Each
new fault is told with its traceback, and its input saved into the target's corpus, where the tests find it.
"""

import argparse
import contextlib
import hashlib
import importlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from typing import Any


class Hunt:
    """Counts executions, and saves what is wrong once for each place in the program."""

    def __init__(self, name: str, seconds: float) -> None:
        from tests.fuzz import engine

        self.name = name
        self.count = 0
        self.places: set[str] = set()
        self._engine = engine
        self._end = time.monotonic() + seconds
        self._began = time.monotonic()

    def take(self, data: bytes) -> None:
        """One execution."""
        self.count += 1
        found = self._engine.fault(self.name, data)
        place = "" if found is None else found.place if found.error is not None else found.place.partition(":")[0]
        if found is None or place in self.places or len(self.places) > 20:
            return
        self.places.add(place)
        file = self._engine.CORPUS / self.name / f"fault-{hashlib.sha256(data).hexdigest()[:8]}"
        file.write_bytes(data)
        print(f"\n{self.name}: {found.place}: {file} ({len(data)} bytes)", flush=True)
        if found.error is not None:
            traceback.print_exception(found.error, limit=-8, chain=False)

    @property
    def is_over(self) -> bool:
        """Whether the time is."""
        return time.monotonic() > self._end

    def report(self) -> None:
        """One line."""
        seconds = time.monotonic() - self._began
        print(f"{self.name}: {self.count:,} executions in {seconds:.0f} s, {len(self.places)} faults", flush=True)


def by_chance(name: str, seconds: float, seed: int) -> None:
    """Mutations of the corpus until the time is over."""
    from tests.fuzz.engine import corpus, drawn

    hunt, chance, seeds = Hunt(name, seconds), random.Random(seed), list(corpus(name).values())
    for data in seeds:
        hunt.take(data)
    while not hunt.is_over:
        hunt.take(drawn(chance, seeds))
    hunt.report()


def by_coverage(atheris: Any, name: str, seconds: float, seed: int) -> None:
    """The same, going on from whatever reaches new lines; the process ends with it."""
    with atheris.instrument_imports(include=["trayapp"]):
        hunt = Hunt(name, seconds)
    from tests.fuzz.engine import CORPUS, LONGEST, WORDS, corpus, drawn

    seeds, chance = list(corpus(name).values()), random.Random(seed)

    def one(data: bytes) -> None:
        hunt.take(data)
        if hunt.is_over:
            hunt.report()
            sys.stdout.flush()
            shutil.rmtree(found, ignore_errors=True)
            os._exit(0)

    def mutated(data: bytes, size: int, number: int) -> bytes:
        if chance.random() < 0.3:
            return drawn(chance, [data or b"a", *seeds])[:size]
        if chance.random() < 0.2:
            at = chance.randrange(len(data) + 1)
            return (data[:at] + chance.choice(WORDS) + data[at:])[:size]
        return bytes(atheris.Mutate(data, size))

    found = tempfile.mkdtemp()  # the library saves there whatever reaches new lines
    options = [f"-max_len={LONGEST if chance.random() < 0.2 else 5000}", "-verbosity=0", "-print_final_stats=0"]
    arguments = [sys.argv[0], *options, found, str(CORPUS / name)]
    atheris.Setup(arguments, one, custom_mutator=mutated)
    atheris.Fuzz()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    if options.target == "all":
        from tests.fuzz.engine import CORPUS

        for folder in sorted(CORPUS.iterdir()):
            command = [sys.executable, "-m", "tests.fuzz.run", folder.name, "--seconds", str(options.seconds)]
            subprocess.run([*command, *(["--plain"] if options.plain else [])], check=False)
        return
    atheris = None
    if not options.plain:
        with contextlib.suppress(ImportError):
            atheris = importlib.import_module("atheris")
    if atheris is None:
        by_chance(options.target, options.seconds, options.seed)
    else:
        by_coverage(atheris, options.target, options.seconds, options.seed)


if __name__ == "__main__":
    main()
