"""Signals of the system in Qt's event loop."""

import os
import signal
import subprocess
import sys
import time

import pytest
from pytestqt.qtbot import QtBot

from tests.patience import SECONDS, best_of
from trayapp.desktop.session.signals import EndSignals

PROGRAM = """
import sys
from PySide6.QtCore import QCoreApplication
from trayapp.desktop.session.signals import EndSignals
app = QCoreApplication([])
signals = EndSignals()
signals.received.connect(lambda number: (print("ended by", number, flush=True), app.quit()))
print("ready", flush=True)
app.exec()
signals.close()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_idle_event_loop_ends_at_once(number: signal.Signals) -> None:
    def ended() -> float:
        with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            started = time.monotonic()
            process.send_signal(number)
            assert process.stdout.readline() == f"ended by {int(number)}\n"
            assert process.wait(SECONDS) == 0
            return time.monotonic() - started

    assert best_of(ended, 1) < 1


def test_signals_are_given_back(qtbot: QtBot) -> None:
    before = signal.getsignal(signal.SIGTERM)
    signals = EndSignals()
    with qtbot.waitSignal(signals.received) as received:
        os.kill(os.getpid(), signal.SIGTERM)
    assert received.args == [signal.SIGTERM]
    signals.close()
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.set_wakeup_fd(-1) == -1
