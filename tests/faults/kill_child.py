"""Forks processes that sync without end, to be killed: `python -m tests.faults.kill_child`, told by lines on stdin.

start HOME URL   forks one that carries out `traysync sync` again and again, asking for URL before each; prints its id
wait             waits until it is dead, then prints "dead"

The forked process prints "synced CODE" after every sync. Everything is imported before the fork, so that a start costs
milliseconds, and most of the time is time in which a kill hits a run.
"""

import os
import sys
import traceback
from contextlib import redirect_stdout
from io import StringIO
from urllib.request import urlopen

import apsw
import requests

from trayapp import cli
from trayapp.store.staging import staging


def sync_forever(home: str, before: str) -> None:
    try:
        while True:
            with urlopen(before, timeout=90), redirect_stdout(StringIO()) as said:
                code = cli.main(["--home", home, "--json", "sync"])
            print(f"synced {code}", "" if code == 0 else said.getvalue().replace("\n", " "), flush=True)
    except BaseException:  # noqa: BLE001  whatever it is, the test is to know
        traceback.print_exc()
        print("synced with an exception", flush=True)
    finally:
        os._exit(1)


def main() -> None:
    staging.SPILL_BYTES = 4096  # so that there are files to be left behind
    print(f"ready {apsw.apsw_version()} {requests.__version__}", flush=True)
    child = 0
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "start":
            child = os.fork()
            if child == 0:
                sync_forever(*arguments)
            print(f"started {child}", flush=True)
        else:
            os.waitpid(child, 0)
            print("dead", flush=True)


if __name__ == "__main__":
    main()
