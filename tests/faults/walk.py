"""Walks through a scenario call by call: `python -m tests.faults.walk SCENARIO FAULT [--sample N]`.

Each call of the command that touches its home, and that can meet the fault, meets it once; where the fault's name ends
in a +, all later calls do, too. Every time the home is looked at afterwards, and used again without faults. What isn't
right is printed, with the number of the call (--call N does only that one, and prints all that the command said). Exit
code 1 if there is anything. SCENARIO and FAULT may be "all"; scenarios.py and preload.py have their names.

A server runs in this process. Another one, with the library preloaded, imports the program once and then forks a child
for each call.
"""

import argparse
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from tests.faults import power, preload
from tests.faults.preload import FAULTS
from tests.faults.scenarios import SCENARIOS, Place, Server, state
from tests.server import ApiServer

POWER = "POWER"
ROOT = Path(__file__).parents[2]
SECONDS = 60
"""What a command may take before it is taken for one that hangs."""
LEFT = (
    r"settings\.toml(\.previous|\.lock)?|traysync\.(db|lock)|staging|sign-ins"
    r"|traysync\.db\.(before-\d+|damaged-\w+|replaced-\w+)(-wal)?|traysync\.db\.(last|mending)|backups"
    # What is unfinished is left for a day: somebody may be at it.
    r"|traysync\.db\.before-\d+\.\w+\.partial(-journal|-wal|-shm)?"
)
"""What may be in a home when a command has ended and another one ran after it."""


class Ended(NamedTuple):
    """How a command ended; `code` is negative for a signal."""

    code: int
    said: str


class Walk:
    """One scenario in a folder of its own."""

    def __init__(self, name, folder, url, control):
        self.name = name
        self.scenario = SCENARIOS[name]
        self.place = Place(folder / "now")
        self._before = folder / "before"
        self._output = folder / "output"
        self.folder = folder
        self._control = control
        self._counts = {}
        shutil.rmtree(folder, ignore_errors=True)
        self._prepare(url)

    def _prepare(self, url):
        place = self.place
        self._generation(0)
        place.make(url)
        for step in self.scenario.steps:
            if callable(step):
                step(place)
            else:
                ended = self.run(step)
                assert ended.code == 0, ended.said
        if self.name != "daily":
            place.look_today()
        place.folder.rename(self._before)
        self._generation(1)

    def _generation(self, number):
        urlopen(f"{self._control}?generation={number}", timeout=SECONDS).close()

    def reset(self):
        """The home as it is before."""
        shutil.rmtree(self.place.folder, ignore_errors=True)
        shutil.copytree(self._before, self.place.folder, symlinks=True)

    def run(self, command, *armed):
        """Carry out a command in a forked child, armed as `preload.arm` has it."""
        arguments = [part.format(out=self.place.out) for part in command]
        child = os.fork()
        if child == 0:
            self._child(["--home", str(self.place.home), *arguments], armed)
        end = time.monotonic() + SECONDS
        while not (found := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.kill(child, 9)
                os.waitpid(child, 0)
                return Ended(99, "It hung.")
            time.sleep(0.001)
        return Ended(os.waitstatus_to_exitcode(found[1]), self._output.read_text("utf-8", "replace"))

    def _child(self, arguments, armed):
        from trayapp import cli

        code = 98
        try:
            output = os.open(self._output, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            if armed:
                preload.arm(self.place.folder, *armed)
            code = cli.main(arguments)
        except BaseException:  # noqa: BLE001  as the interpreter would
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def count(self, fault):
        """How many calls can meet the fault."""
        if fault.calls not in self._counts:
            self.reset()
            ended = self.run(self.scenario.command, fault)
            assert ended.code == 0, ended.said
            assert self.scenario.done(self.place)
            self._counts[fault.calls] = preload.told()[0]
        return self._counts[fault.calls]

    def step(self, fault, call):
        """What is not right when this call fails, in words; how the command ended, and what failed."""
        self.reset()
        ended = self.run(self.scenario.command, fault, call)
        failed = preload.told()[1].replace(f"{self.place.folder}/", "")
        wrong = [*self._of_the_end(ended, fault), *self.afterwards()]
        return wrong, ended, failed

    def _of_the_end(self, ended, fault):
        if "Traceback" in ended.said or "Error: " in ended.said:
            yield "a traceback"
        elif "inside TraySync" in ended.said:
            yield "said to be a bug"
        if fault.kills and ended.code == -9:
            return
        if ended.code < 0 or ended.code > 3:
            yield f"it ended with {ended.code}"
        elif ended.code == 0 and not self.scenario.done(self.place):
            yield "not done, yet said to be"
        elif ended.code and not any(line.endswith(".") for line in ended.said.splitlines()):
            yield "no sentence"

    def afterwards(self):
        """What is not right with the home now; then again after a sync without faults."""
        try:
            if not self.scenario.kept(self.place):
                yield "something is lost"
        except Exception as error:  # noqa: BLE001  whatever it is, it is told
            yield f"the home can't be looked at: {error!r}"
        if not self.scenario.has_endpoint and self.scenario.done(self.place):
            return
        ended = self.run(("sync",))
        if ended.code:
            yield f"the next sync ended with {ended.code}: {ended.said}"
        elif self.place.rows() != state(1) and "enabled = false" not in self.place.settings.read_text("utf-8"):
            yield "the next sync gave a wrong table"
        elif self.place.query("PRAGMA integrity_check") != [("ok",)]:
            yield "the database is damaged"
        if left := self.left():
            yield f"left behind: {', '.join(left)}"

    def left(self):
        """Files that nobody has a use for."""
        import re

        known = re.compile(LEFT)
        found = [path.name for path in self.place.home.iterdir() if not known.fullmatch(path.name)]
        found += [f"staging/{path.name}" for path in self.place.home.glob("staging/*")]
        return sorted(found)


def walk(walking, name, options):
    """Walk a scenario with one fault; how many calls were not met well."""
    fault = FAULTS[name]
    began = time.monotonic()
    count = walking.count(fault)
    calls = range(1, count + 1)
    if options.call:
        calls = [options.call]
    elif options.sample and options.sample < count:
        calls = sorted(random.Random(f"{walking.name} {name} {options.seed}").sample(calls, options.sample))
    bad = 0
    for call in calls:
        wrong, ended, failed = walking.step(fault, call)
        if wrong:
            bad += 1
            say(f"{walking.name} {name} call {call} ({failed}): {'; '.join(wrong)}")
        if options.call:
            say(f"{failed}\nexit code {ended.code}\n{ended.said}")
    took = time.monotonic() - began
    say(f"{walking.name} {name}: {len(calls)} of {count} calls in {took:.1f} s, {bad} not met well")
    return bad


def cut_power(walking, options):
    """Cut the power at every moment of a scenario; how many cuts were not survived."""
    began = time.monotonic()
    walking.reset()
    record = walking.folder / "record"
    descriptor = os.open(record, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o600)
    ended = walking.run(walking.scenario.command, None, 0, descriptor)
    os.close(descriptor)
    assert ended.code == 0, ended.said
    calls = power.calls_of(record)
    walking.reset()
    wanted = power.cuts(calls, options.sample, f"{walking.name} {options.seed}")
    if options.call:
        wanted = [(options.call, way) for way in power.WAYS]
    bad = 0
    for number, way, found in power.after_each(walking.place.folder, calls, wanted, options.seed):
        power.rebuild(walking.place.folder, found)
        wrong = []
        if number == len(calls) and not walking.scenario.done(walking.place):
            wrong.append("not done, yet said to be")
        wrong += walking.afterwards()
        if wrong:
            bad += 1
            last = calls[number - 1][0].replace(f"{walking.place.folder}/", "") if number else "the beginning"
            say(f"{walking.name} POWER call {number}, {way} (after {last}): {'; '.join(wrong)}")
    took = time.monotonic() - began
    say(f"{walking.name} POWER: {len(wanted)} cuts in {len(calls)} calls in {took:.1f} s, {bad} not survived")
    return bad


def say(text):
    print(text, flush=True)


def parse(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.faults.walk", description=__doc__.split("\n\n")[1])
    parser.add_argument("scenario", choices=[*SCENARIOS, "all"])
    parser.add_argument("fault", choices=[*FAULTS, POWER, "all"])
    parser.add_argument("--call", type=int, default=0, help="only the call of this number")
    parser.add_argument("--sample", type=int, default=0, help="only so many calls, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="chooses other calls")
    parser.add_argument("--inside", nargs=3, help=argparse.SUPPRESS, metavar=("FOLDER", "URL", "CONTROL"))
    return parser.parse_args(arguments)


def inside(options):
    """In the process that has the library: import all that commands need, then walk."""
    import keyring  # noqa: F401
    import tomlkit  # noqa: F401

    folder, url, control = options.inside
    warm = Walk("edit", Path(folder, "warm"), url, control)
    for command in (("status",), ("sync",), ("edit", "items", "--set", "name=x")):
        # In this very process: what it imports on its way, the forked ones need not.
        from trayapp import cli

        warm.reset()
        with open(os.devnull, "w") as nowhere:
            from contextlib import redirect_stdout

            with redirect_stdout(nowhere):
                assert cli.main(["--home", str(warm.place.home), *command]) == 0
        logging.getLogger().handlers.clear()
    bad = 0
    for name in SCENARIOS if options.scenario == "all" else [options.scenario]:
        walking = Walk(name, Path(folder, "walk"), url, control)
        for fault in [*FAULTS, POWER] if options.fault == "all" else [options.fault]:
            bad += cut_power(walking, options) if fault == POWER else walk(walking, fault, options)
    return 1 if bad else 0


def run(arguments):
    """Walk as the arguments say, in another process. Its output and exit code."""
    if preload.WHY_NOT:
        return f"Nothing was walked: {preload.WHY_NOT}.", 2
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, ApiServer() as api:
        server = Server(api)
        command = [
            sys.executable,
            "-m",
            "tests.faults.walk",
            *arguments,
            "--inside",
            folder,
            server.url,
            server.control,
        ]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=preload.environment(preload.build(folder)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        with process:
            for line in process.stdout:
                said.append(line)
                if __name__ == "__main__":
                    print(line, end="", flush=True)
        return "".join(said), process.returncode


if __name__ == "__main__":
    options = parse()
    if options.inside:
        sys.exit(inside(options))
    said, code = run(sys.argv[1:])
    if code == 2:
        print(said)
    sys.exit(code)
