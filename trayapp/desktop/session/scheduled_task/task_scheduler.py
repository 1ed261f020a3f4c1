"""Windows: a task of the Task Scheduler, in version 1.2 of its schema.

Source: https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
"""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path

from trayapp.desktop.session.installation import State
from trayapp.desktop.session.scheduled_task.entry import EVERY, WHILE_LOGGED_IN, Refused, run_tool
from trayapp.messages import Message


class ScheduledTask:
    """A task of the user; not tried on Windows yet."""

    def __init__(self, name: str) -> None:
        self._name = name

    def state(self, command: tuple[str, ...]) -> State:
        """The system gives the task back as XML of its own making: what counts is what it calls."""
        try:
            found = run_tool("schtasks", "/Query", "/TN", self._name, "/XML")
        except Refused:
            return "off"
        called = re.findall(r"<(Command|Arguments)>(.*?)</\1>", found, re.DOTALL)
        return "on" if called == re.findall(r"<(Command|Arguments)>(.*?)</\1>", task_xml(command)) else "elsewhere"

    def enable(self, command: tuple[str, ...]) -> None:
        """Register the task, in place of one of that name."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "task.xml"
            file.write_text(task_xml(command), "utf-16")
            run_tool("schtasks", "/Create", "/TN", self._name, "/XML", str(file), "/F")

    def disable(self) -> None:
        """Delete the task if there is one."""
        with suppress(Refused):
            run_tool("schtasks", "/Query", "/TN", self._name)
            run_tool("schtasks", "/Delete", "/TN", self._name, "/F")

    def note(self) -> Message:
        """The task has the user's own token, which exists only in a session."""
        return WHILE_LOGGED_IN


def task_xml(command: Sequence[str]) -> str:
    """The task: every few minutes, late when the machine was off, also on battery; constraints are ours to look at."""
    arguments = subprocess.list2cmdline(command[1:])
    return f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>TraySync: sync what is due</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>2024-01-01T00:00:00</StartBoundary>
      <Repetition>
        <Interval>PT{EVERY}M</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <Enabled>true</Enabled>
    <Hidden>true</Hidden>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT12H</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(command[0])}</Command>
      <Arguments>{escape(arguments)}</Arguments>
    </Exec>
  </Actions>
</Task>
"""
