"""What the tray and the window say, as pure functions of a snapshot and the time.

Every text is one whole sentence or phrase with named places, so that a translation may turn it round. Times are given
aware and shown in `zone`, by default the computer's; clocks have 24 hours, as in the settings file.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

from PySide6.QtCore import QLocale

from trayapp.errors import Problem
from trayapp.messages import tr, tr_count
from trayapp.schedule.engine.snapshot import EndpointState, EndpointStatus, Snapshot
from trayapp.store.bookkeeping.history import RunRow
from trayapp.sync.report import Progress
from trayapp.visible import elided

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
        return tr("yesterday {time}", time=at)
    if days == 1:
        return tr("tomorrow {time}", time=at)
    locale = QLocale()
    if abs(days) < _WEEK:
        day = locale.dayName(there.isoweekday(), QLocale.FormatType.ShortFormat)
        return tr("{day} {time}", day=day, time=at)
    month = locale.monthName(there.month, QLocale.FormatType.ShortFormat)
    if there.year == here.year:
        return tr("{day} {month} {time}", day=there.day, month=month, time=at)
    return tr("{day} {month} {year}", day=there.day, month=month, year=str(there.year))


def distance(time: datetime, now: datetime) -> str:
    """How far off: "now", "in 5 min", "5 min ago", "in 2 h", "3 days ago". Rounded down."""
    seconds = (time - now).total_seconds()
    ahead, away = seconds > 0, abs(seconds)
    if away < _MINUTE:
        return tr("in a moment") if ahead else tr("just now")
    if away < _HOUR:
        count = int(away // _MINUTE)
        return tr("in {count} min", count=count) if ahead else tr("{count} min ago", count=count)
    if away < _DAY:
        count = int(away // _HOUR)
        return tr("in {count} h", count=count) if ahead else tr("{count} h ago", count=count)
    count = int(away // _DAY)
    return tr_count("in a day", "in {count} days", count) if ahead else tr_count("a day ago", "{count} days ago", count)


def duration(seconds: float) -> str:
    """How long something took: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return tr("{seconds} s", seconds=f"{max(seconds, 0):.1f}")
    if seconds < _MINUTE:
        return tr("{seconds} s", seconds=int(seconds))
    if seconds < _HOUR:
        minutes, left = divmod(int(seconds), _MINUTE)
        return tr("{minutes} min {seconds} s", minutes=minutes, seconds=left)
    hours, left = divmod(int(seconds), _HOUR)
    return tr("{hours} h {minutes} min", hours=hours, minutes=left // _MINUTE)


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
        return tr("{done} of {total} records", done=done, total=total)
    if progress.records:
        pages, records = number(progress.pages), number(progress.records)
        return tr("page {page}, {records} records", page=pages, records=records)
    return progress.doing


def paused_words(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> str:
    """ "Paused until 15:00", "Paused until you resume"."""
    if snapshot.paused_until is None:
        return tr("Paused until you resume")
    return tr("Paused until {time}", time=moment(snapshot.paused_until, now, zone))


def state_words(state: EndpointState) -> str:
    """An endpoint's state as a word for lists and screen readers."""
    return {
        "enqueued": tr("Up to date"),
        "running": tr("Syncing"),
        "blocked": tr("Waiting"),
        "held": tr("Needs you"),
        "failing": tr("Failing"),
        "disabled": tr("Disabled"),
    }[state]


def endpoint_line(status: EndpointStatus) -> str:
    """What an endpoint is doing, in one phrase: "Up to date", "Syncing: page 3, 200 records", "Waiting: offline"."""
    if status.state == "running":
        how_far = progress_words(status.progress)
        if how_far:
            return tr("Syncing: {progress}", progress=how_far)
        return tr("Syncing…")
    if status.state == "blocked" and status.blocked_by:
        return tr("Waiting: {reason}", reason=status.blocked_by)
    if status.state == "failing" and status.problem is not None:
        return tr("Failing: {problem}", problem=status.problem.title)
    if status.state == "held":
        return held_words(status.held)
    if status.state == "enqueued" and status.last_success is None:
        return tr("Not synced yet")
    if status.state == "enqueued" and status.evidence == "unproven":
        return tr("May be incomplete")
    return state_words(status.state)


def held_words(count: int) -> str:
    """ "1 deletion needs your confirmation"."""
    if count == 1:
        return tr("1 deletion needs your confirmation")
    return tr("{count} deletions need your confirmation", count=number(count))


def last_words(status: EndpointStatus) -> str:
    """The last result in words."""
    if status.last_attempt is None:
        return tr("Never synced")
    if status.sentence:
        return str(status.sentence)
    return str(status.problem.title) if status.problem is not None else state_words(status.state)


def next_words(status: EndpointStatus, now: datetime, zone: tzinfo | None = None) -> str:
    """When it runs next, or why it does not."""
    if not status.enabled or status.state == "disabled":
        return tr("Disabled")
    if status.state == "running":
        return tr("Running now")
    if status.next_due is None and status.event:
        event = str(status.event)
        return event[:1].upper() + event[1:]
    if status.next_due is None and status.once:
        return tr("Never again")
    if status.next_due is None:
        return tr("By hand only")
    if status.next_due <= now:
        return tr("Due now")
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
    return tr("{name}: {problem}", name=elided(status.name, 30), problem=what)


def change_line(run: RunRow) -> str:
    """ "GitHub issues: 3 new, 1 changed."."""
    return tr("{name}: {sentence}", name=elided(run.name, 30), sentence=run.sentence)


def status_line(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> str:
    """The first line of the tray's menu: the most urgent thing, in one phrase."""
    running = [status for status in snapshot.endpoints if status.state == "running"]
    if len(running) == 1:
        name, how_far = elided(running[0].name, 30), progress_words(running[0].progress)
        if how_far:
            return tr("Syncing {name}… {progress}", name=name, progress=how_far)
        return tr("Syncing {name}…", name=name)
    if running:
        return tr("Syncing {count} endpoints…", count=number(len(running)))
    if snapshot.paused:
        return paused_words(snapshot, now, zone)
    if snapshot.settings_problem is not None:
        return tr("The settings file has a problem")
    if failing := [status for status in snapshot.endpoints if status.state == "failing"]:
        return problem_line(failing[0]) if len(failing) == 1 else _problems(len(failing))
    if not snapshot.online:
        return tr("Offline")
    if held := [status for status in snapshot.endpoints if status.state == "held"]:
        if len(held) == 1:
            return problem_line(held[0])
        return tr("{count} endpoints need your confirmation", count=number(len(held)))
    if not snapshot.endpoints:
        return tr("No endpoints yet")
    upcoming = _upcoming(snapshot.endpoints, now)
    synced = any(status.last_success is not None for status in snapshot.endpoints)
    if upcoming is None or upcoming.next_due is None:
        return tr("Up to date") if synced else tr("Not synced yet")
    time, name = moment(upcoming.next_due, now, zone), elided(upcoming.name, 30)
    if not synced:
        return tr("Not synced yet · next {time} ({name})", time=time, name=name)
    return tr("Up to date · next {time} ({name})", time=time, name=name)


def tooltip(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> str:
    """ "12 endpoints up to date · last 13:05 · next 14:00", or what is wrong instead of the first part."""
    parts = [_first_part(snapshot, now, zone)]
    last = max((status.last_success for status in snapshot.endpoints if status.last_success), default=None)
    if last is not None:
        parts.append(tr("last {time}", time=moment(last, now, zone)))
    upcoming = _upcoming(snapshot.endpoints, now)
    if upcoming is not None and upcoming.next_due is not None and not snapshot.paused:
        parts.append(tr("next {time}", time=moment(upcoming.next_due, now, zone)))
    return " · ".join(parts)


def _first_part(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> str:
    if snapshot.state != "idle":
        return status_line(snapshot, now, zone)
    count = sum(status.state == "enqueued" and status.last_success is not None for status in snapshot.endpoints)
    waiting = sum(status.enabled for status in snapshot.endpoints) - count
    if not snapshot.endpoints:
        return tr("No endpoints yet")
    if waiting > 0:
        return tr("{count} up to date, {waiting} waiting", count=number(count), waiting=number(waiting))
    if count == 1:
        return tr("1 endpoint up to date")
    return tr("{count} endpoints up to date", count=number(count))


def _problems(count: int) -> str:
    return tr("{count} endpoints have problems", count=number(count))


def _upcoming(endpoints: Iterable[EndpointStatus], now: datetime) -> EndpointStatus | None:
    due = (status for status in endpoints if status.next_due is not None and status.next_due > now and status.enabled)
    return min(due, key=lambda status: (status.next_due, status.name), default=None)


def outcome_words(run: RunRow) -> str:
    """How a run ended, in a word or two."""
    words = {
        "succeeded": tr("Succeeded"),
        "incomplete": tr("Incomplete"),
        "failed": tr("Failed"),
        "stopped": tr("Stopped"),
        "held": tr("Needs you"),
        "skipped": tr("Skipped"),
    }
    return words.get(run.status, run.status)
