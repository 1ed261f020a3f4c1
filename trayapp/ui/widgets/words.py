"""What the tray and the window say, as pure functions of a snapshot and the time.

Every text is one whole sentence or phrase with named places, so that a translation may turn it round. Times are given
aware and shown in `zone`, by default the computer's; clocks have 24 hours, as in the settings file.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

from PySide6.QtCore import QCoreApplication, QLocale

from trayapp.errors import Problem
from trayapp.schedule.engine.snapshot import EndpointState, EndpointStatus, Snapshot
from trayapp.store.bookkeeping.history import RunRow
from trayapp.sync.report import Progress
from trayapp.visible import elided

translate = QCoreApplication.translate

_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86400, 7


def utc_now() -> datetime:
    """The clock of the widgets, which tests replace."""
    return datetime.now(UTC)


def number(value: int) -> str:
    """With the language's separators of thousands."""
    locale = QLocale()
    if locale.language() == QLocale.Language.C:
        locale = QLocale(QLocale.Language.English)
    return locale.toString(value)


def clock(time: datetime, zone: tzinfo | None = None) -> str:
    """ "14:05"."""
    return time.astimezone(zone).strftime("%H:%M")


def moment(time: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """When that is: "14:05" today, else "yesterday 14:05", "Mon 14:05", "3 Mar 14:05" or "3 Mar 2024"."""
    there, here = time.astimezone(zone), now.astimezone(zone)
    days = (there.date() - here.date()).days
    at = clock(time, zone)
    if days == 0:
        return at
    if days == -1:
        return translate("Words", "yesterday {time}").format(time=at)
    if days == 1:
        return translate("Words", "tomorrow {time}").format(time=at)
    locale = QLocale()
    if abs(days) < _WEEK:
        day = locale.dayName(there.isoweekday(), QLocale.FormatType.ShortFormat)
        return translate("Words", "{day} {time}", "day of the week").format(day=day, time=at)
    month = locale.monthName(there.month, QLocale.FormatType.ShortFormat)
    if there.year == here.year:
        return translate("Words", "{day} {month} {time}").format(day=there.day, month=month, time=at)
    return translate("Words", "{day} {month} {year}").format(day=there.day, month=month, year=there.year)


def distance(time: datetime, now: datetime) -> str:
    """How far off: "now", "in 5 min", "5 min ago", "in 2 h", "3 days ago". Rounded down."""
    seconds = (time - now).total_seconds()
    ahead, away = seconds > 0, abs(seconds)
    if away < _MINUTE:
        return translate("Words", "in a moment") if ahead else translate("Words", "just now")
    if away < _HOUR:
        count = int(away // _MINUTE)
        text = translate("Words", "in {count} min") if ahead else translate("Words", "{count} min ago")
    elif away < _DAY:
        count = int(away // _HOUR)
        text = translate("Words", "in {count} h") if ahead else translate("Words", "{count} h ago")
    else:
        count = int(away // _DAY)
        if count == 1:
            return translate("Words", "in a day") if ahead else translate("Words", "a day ago")
        text = translate("Words", "in {count} days") if ahead else translate("Words", "{count} days ago")
    return text.format(count=count)


def duration(seconds: float) -> str:
    """How long something took: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return translate("Words", "{seconds} s").format(seconds=f"{max(seconds, 0):.1f}")
    if seconds < _MINUTE:
        return translate("Words", "{seconds} s").format(seconds=int(seconds))
    if seconds < _HOUR:
        minutes, left = divmod(int(seconds), _MINUTE)
        return translate("Words", "{minutes} min {seconds} s").format(minutes=minutes, seconds=left)
    hours, left = divmod(int(seconds), _HOUR)
    return translate("Words", "{hours} h {minutes} min").format(hours=hours, minutes=left // _MINUTE)


def next_midnight(now: datetime, zone: tzinfo | None = None) -> datetime:
    """The first moment of tomorrow in the zone: when a pause "until tomorrow" ends."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day)
    return midnight.replace(tzinfo=zone) if zone is not None else midnight.astimezone()


def menu_text(text: str, length: int = 60) -> str:
    """A name or sentence as the text of a menu entry: one line, elided, an "&" in it shown as such."""
    return elided(text, length).replace("&", "&&")


def exported_text(text: str, length: int = 60) -> str:
    """The same for a menu that a panel draws by D-Bus, where "_" marks the access key and "__" is a "_".

    Qt makes a "_" of the first "&" only (QDBusMenuItem::convertMnemonic) and leaves the rest as it is. Source:
    https://github.com/AyatanaIndicators/libdbusmenu/blob/main/libdbusmenu-glib/dbus-menu.xml, the property "label".
    """
    return elided(text, length).replace("_", "__").replace("&", "&&", 1)


def progress_words(progress: Progress | None) -> str:
    """How far a run is: "120 of 1,000 records", "page 3, 200 records"; "" when nothing is known yet."""
    if progress is None:
        return ""
    if progress.total:
        done, total = number(min(progress.records, progress.total)), number(progress.total)
        return translate("Words", "{done} of {total} records").format(done=done, total=total)
    if progress.records:
        pages, records = number(progress.pages), number(progress.records)
        return translate("Words", "page {page}, {records} records").format(page=pages, records=records)
    return progress.doing


def paused_words(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> str:
    """ "Paused until 15:00", "Paused until you resume"."""
    if snapshot.paused_until is None:
        return translate("Words", "Paused until you resume")
    return translate("Words", "Paused until {time}").format(time=moment(snapshot.paused_until, now, zone))


def state_words(state: EndpointState) -> str:
    """An endpoint's state as a word for lists and screen readers."""
    return {
        "enqueued": translate("Words", "Up to date"),
        "running": translate("Words", "Syncing"),
        "blocked": translate("Words", "Waiting"),
        "held": translate("Words", "Needs you"),
        "failing": translate("Words", "Failing"),
        "disabled": translate("Words", "Disabled"),
    }[state]


def endpoint_line(status: EndpointStatus) -> str:
    """What an endpoint is doing, in one phrase: "Up to date", "Syncing: page 3, 200 records", "Waiting: offline"."""
    if status.state == "running":
        how_far = progress_words(status.progress)
        if how_far:
            return translate("Words", "Syncing: {progress}").format(progress=how_far)
        return translate("Words", "Syncing…")
    if status.state == "blocked" and status.blocked_by:
        return translate("Words", "Waiting: {reason}").format(reason=status.blocked_by)
    if status.state == "failing" and status.problem is not None:
        return translate("Words", "Failing: {problem}").format(problem=status.problem.title)
    if status.state == "held":
        return held_words(status.held)
    if status.state == "enqueued" and status.last_success is None:
        return translate("Words", "Not synced yet")
    return state_words(status.state)


def held_words(count: int) -> str:
    """ "1 deletion needs your confirmation"."""
    if count == 1:
        return translate("Words", "1 deletion needs your confirmation")
    return translate("Words", "{count} deletions need your confirmation").format(count=number(count))


def last_words(status: EndpointStatus) -> str:
    """The last result in words."""
    if status.last_attempt is None:
        return translate("Words", "Never synced")
    if status.sentence:
        return str(status.sentence)
    return str(status.problem.title) if status.problem is not None else state_words(status.state)


def next_words(status: EndpointStatus, now: datetime, zone: tzinfo | None = None) -> str:
    """When it runs next, or why it does not."""
    if not status.enabled or status.state == "disabled":
        return translate("Words", "Disabled")
    if status.state == "running":
        return translate("Words", "Running now")
    if status.next_due is None and status.event:
        event = str(status.event)
        return event[:1].upper() + event[1:]
    if status.next_due is None and status.once:
        return translate("Words", "Never again")
    if status.next_due is None:
        return translate("Words", "By hand only")
    if status.next_due <= now:
        return translate("Words", "Due now")
    return moment(status.next_due, now, zone)


def problem_words(problem: Problem) -> str:
    """Title, cause and what to do, as one text."""
    return " ".join(
        part if part.endswith((".", "!", "?", "…")) else f"{part}."
        for part in map(str, (problem.title, problem.cause, problem.next))
        if part
    )


def troubled(snapshot: Snapshot) -> tuple[EndpointStatus, ...]:
    """The endpoints that fail or wait for a decision."""
    return tuple(status for status in snapshot.endpoints if status.state in ("failing", "held"))


def problem_line(status: EndpointStatus) -> str:
    """ "GitHub issues: The server refused the password"."""
    what = status.problem.title if status.problem is not None and status.state == "failing" else endpoint_line(status)
    return translate("Words", "{name}: {problem}").format(name=elided(status.name, 30), problem=what)


def change_line(run: RunRow) -> str:
    """ "GitHub issues: 3 new, 1 changed."."""
    return translate("Words", "{name}: {sentence}").format(name=elided(run.name, 30), sentence=run.sentence)


def status_line(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> str:
    """The first line of the tray's menu: the most urgent thing, in one phrase."""
    running = [status for status in snapshot.endpoints if status.state == "running"]
    if len(running) == 1:
        name, how_far = elided(running[0].name, 30), progress_words(running[0].progress)
        if how_far:
            return translate("Words", "Syncing {name}… {progress}").format(name=name, progress=how_far)
        return translate("Words", "Syncing {name}…").format(name=name)
    if running:
        return translate("Words", "Syncing {count} endpoints…").format(count=number(len(running)))
    if snapshot.paused:
        return paused_words(snapshot, now, zone)
    if snapshot.settings_problem is not None:
        return translate("Words", "The settings file has a problem")
    if failing := [status for status in snapshot.endpoints if status.state == "failing"]:
        return problem_line(failing[0]) if len(failing) == 1 else _problems(len(failing))
    if not snapshot.online:
        return translate("Words", "Offline")
    if held := [status for status in snapshot.endpoints if status.state == "held"]:
        if len(held) == 1:
            return problem_line(held[0])
        return translate("Words", "{count} endpoints need your confirmation").format(count=number(len(held)))
    if not snapshot.endpoints:
        return translate("Words", "No endpoints yet")
    upcoming = _upcoming(snapshot.endpoints, now)
    synced = any(status.last_success is not None for status in snapshot.endpoints)
    if upcoming is None or upcoming.next_due is None:
        return translate("Words", "Up to date") if synced else translate("Words", "Not synced yet")
    time, name = moment(upcoming.next_due, now, zone), elided(upcoming.name, 30)
    if not synced:
        return translate("Words", "Not synced yet · next {time} ({name})").format(time=time, name=name)
    return translate("Words", "Up to date · next {time} ({name})").format(time=time, name=name)


def tooltip(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> str:
    """ "12 endpoints up to date · last 13:05 · next 14:00", or what is wrong instead of the first part."""
    parts = [_first_part(snapshot, now, zone)]
    last = max((status.last_success for status in snapshot.endpoints if status.last_success), default=None)
    if last is not None:
        parts.append(translate("Words", "last {time}").format(time=moment(last, now, zone)))
    upcoming = _upcoming(snapshot.endpoints, now)
    if upcoming is not None and upcoming.next_due is not None and not snapshot.paused:
        parts.append(translate("Words", "next {time}").format(time=moment(upcoming.next_due, now, zone)))
    return " · ".join(parts)


def _first_part(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> str:
    if snapshot.state != "idle":
        return status_line(snapshot, now, zone)
    count = sum(status.state == "enqueued" and status.last_success is not None for status in snapshot.endpoints)
    waiting = sum(status.enabled for status in snapshot.endpoints) - count
    if not snapshot.endpoints:
        return translate("Words", "No endpoints yet")
    if waiting > 0:
        return translate("Words", "{count} up to date, {waiting} waiting").format(
            count=number(count), waiting=number(waiting)
        )
    if count == 1:
        return translate("Words", "1 endpoint up to date")
    return translate("Words", "{count} endpoints up to date").format(count=number(count))


def _problems(count: int) -> str:
    return translate("Words", "{count} endpoints have problems").format(count=number(count))


def _upcoming(endpoints: Iterable[EndpointStatus], now: datetime) -> EndpointStatus | None:
    due = (status for status in endpoints if status.next_due is not None and status.next_due > now and status.enabled)
    return min(due, key=lambda status: (status.next_due, status.name), default=None)


def outcome_words(run: RunRow) -> str:
    """How a run ended, in a word or two."""
    words = {
        "succeeded": translate("Words", "Succeeded"),
        "failed": translate("Words", "Failed"),
        "stopped": translate("Words", "Stopped"),
        "held": translate("Words", "Needs you"),
        "skipped": translate("Words", "Skipped"),
    }
    return words.get(run.status, run.status)
