"""The Task Scheduler of Windows calls `traysync sync --due`: the task as its schema has it."""

import re
import xml.etree.ElementTree as ET

from trayapp.desktop.session.scheduled_task.task_scheduler import task_xml

NAMESPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


def command(*arguments: str) -> tuple[str, ...]:
    return ("/opt/Tray Sync/traysync", *arguments, "sync", "--due")


def test_the_task_calls_the_program_late_rather_than_never() -> None:
    root = ET.fromstring(task_xml(command("--home", 'C:\\a "b" & <c>')).partition("?>")[2])
    assert root.tag == "{http://schemas.microsoft.com/windows/2004/02/mit/task}Task"
    assert [child.tag.partition("}")[2] for child in root] == [
        "RegistrationInfo",
        "Triggers",
        "Principals",
        "Settings",
        "Actions",
    ]

    def text(path: str) -> str | None:
        return root.findtext("/".join(f"t:{part}" for part in path.split("/")), namespaces=NAMESPACE)

    assert text("Actions/Exec/Command") == "/opt/Tray Sync/traysync"
    assert text("Actions/Exec/Arguments") == '--home "C:\\a \\"b\\" & <c>" sync --due'
    assert text("Triggers/TimeTrigger/Repetition/Interval") == "PT5M"
    assert text("Settings/StartWhenAvailable") == "true"
    assert text("Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text("Settings/DisallowStartIfOnBatteries") == text("Settings/StopIfGoingOnBatteries") == "false"
    assert text("Principals/Principal/RunLevel") == "LeastPrivilege"


BOOLEAN, DURATION, TEXT = "true|false", r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?", ".+"
SCHEMA: dict[str, tuple[str, dict[str, str]]] = {
    "Task": (
        "any order",
        dict.fromkeys(["RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"], ""),
    ),
    "RegistrationInfo": ("any order", dict.fromkeys(["URI", "Author", "Version", "Description", "Date"], TEXT)),
    "Triggers": ("any order", {"TimeTrigger": "", "CalendarTrigger": "", "BootTrigger": "", "LogonTrigger": ""}),
    "TimeTrigger": (
        "sequence",
        {
            "Enabled": BOOLEAN,
            "StartBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
            "EndBoundary": TEXT,
            "Repetition": "",
            "ExecutionTimeLimit": DURATION,
            "RandomDelay": DURATION,
        },
    ),
    "Repetition": ("sequence", {"Interval": DURATION, "Duration": DURATION, "StopAtDurationEnd": BOOLEAN}),
    "Principals": ("any order", {"Principal": ""}),
    "Principal": (
        "any order",
        {
            "UserId": TEXT,
            "LogonType": "S4U|Password|InteractiveToken|InteractiveTokenOrPassword",
            "GroupId": TEXT,
            "DisplayName": TEXT,
            "RunLevel": "LeastPrivilege|HighestAvailable",
        },
    ),
    "Settings": (
        "any order",
        {
            **dict.fromkeys(
                [
                    "AllowStartOnDemand",
                    "DisallowStartIfOnBatteries",
                    "StopIfGoingOnBatteries",
                    "AllowHardTerminate",
                    "StartWhenAvailable",
                    "RunOnlyIfNetworkAvailable",
                    "WakeToRun",
                    "Enabled",
                    "Hidden",
                    "RunOnlyIfIdle",
                ],
                BOOLEAN,
            ),
            "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
            "ExecutionTimeLimit": DURATION,
            "Priority": "[0-9]|10",
        },
    ),
    "Actions": ("any order", {"Exec": ""}),
    "Exec": ("any order", {"Command": TEXT, "Arguments": TEXT, "WorkingDirectory": TEXT}),
}
"""What Microsoft's Task Scheduler schema allows below each element, as far as we use it: names, and text patterns."""


def test_the_task_is_as_the_schema_wants_it() -> None:
    root = ET.fromstring(task_xml(command()).partition("?>")[2])
    principals = {each.get("id") for each in root.iterfind("t:Principals/t:Principal", NAMESPACE)}
    assert root.get("version") == "1.2"
    assert {each.get("Context") for each in root.iterfind("t:Actions", NAMESPACE)} <= principals
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        children = [child.tag.rpartition("}")[2] for child in element]
        if name not in SCHEMA:
            assert not children, name
            continue
        order, allowed = SCHEMA[name]
        assert len(set(children)) == len(children), name
        assert set(children) <= set(allowed), name
        assert order == "any order" or children == [each for each in allowed if each in children], name
        for child in element:
            assert re.fullmatch(allowed[child.tag.rpartition("}")[2]], (child.text or "").strip()), child.tag
