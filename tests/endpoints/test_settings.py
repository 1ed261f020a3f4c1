import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.patience import quickest_cpu
from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import After, Auth, Endpoint, General, Pages, Request, Response, Settings, Table, When
from trayapp.endpoints.rendering import render
from trayapp.endpoints.settings import SettingsError, complete, parse_settings, to_builtins
from trayapp.endpoints.units import Duration, Size, TimeOfDay

COMMENTED = """\
# mine
[general]
notifications = "all"   # loud

# the first
[[endpoint]]
id = "items"
name = "Items"
url = "https://a.example/items"
every = "5m"  # often

[endpoint.auth]
kind = "bearer"  # from the keyring

[endpoint.table]
name = "items"

[[endpoint]]
id = "others"
name = "Others"
url = "https://a.example/others"
at = ["08:00", 13:00:00]

[endpoint.table]
name = "others"
"""


def test_a_url_alone_is_an_endpoint():
    (endpoint,) = parse_settings('[[endpoint]]\nurl = "https://api.example.com/v1/pull-requests.json"').endpoint
    assert (endpoint.id, endpoint.name, endpoint.table.name) == ("pull_requests", "pull-requests", "pull_requests")


def test_made_up_names_avoid_each_other():
    text = '[[endpoint]]\nurl = "https://a.example/items"\n' * 2
    assert [each.id for each in parse_settings(text).endpoint] == ["items", "items_2"]
    assert [each.table.name for each in parse_settings(text).endpoint] == ["items", "items_2"]


def test_every_documented_kind_of_value_is_read():
    settings = parse_settings(COMMENTED)
    assert settings.general.notifications == "all"
    assert settings.endpoint[0].every == Duration(300)
    assert settings.endpoint[1].at == (TimeOfDay(8, 0), TimeOfDay(13, 0))


URL = 'url = "https://a.example/x"\n'


@pytest.mark.parametrize(
    ("text", "line", "field", "says", "next"),
    [
        (
            "[[endpoint]]\n\n" + URL + 'evry = "1h"',
            4,
            "evry",
            "'evry' is not known",
            "Did you mean 'every'?",
        ),
        ("[general]\ntheem = 'dark'", 2, "general.theem", "'theem' is not known", "Did you mean 'theme'?"),
        ("[[endpoint]]\nurl = 1", 2, "url", "text is expected here, not a number", "Correct"),
        ("[[endpoint]]\nname = 'x'", 1, "", "'url' is missing", "Correct"),
        ("[[endpoint]]\n" + URL + "every = 5", 3, "every", 'expected text like "1h"', "Correct"),
        ("[[endpoint]]\n" + URL + "every = '5 parsecs'", 3, "every", "is not a duration", "Correct"),
        ("[[endpoint]]\n" + URL + "every = '1s'", 3, "every", "shortest interval is 10s", "Correct"),
        ("[[endpoint]]\n" + URL + "cron = 'often'", 3, "cron", "is not a cron expression", "Correct"),
        ("[[endpoint]]\n" + URL + "every='1h'\nmanual=true", 4, "manual", "nly one of", "Correct"),
        ("[[endpoint]]\nurl = 'a.example/x'", 2, "url", "did you mean https://a.example/x", "Correct"),
        ("[[endpoint]]\nurl = 'ftp://a.example/x'", 2, "url", "must begin with https://", "Correct"),
        ("[[endpoint]]\nurl = 'https://me:pw@a.example/x'", 2, "url", "authentication fields", "Correct"),
        ("[[endpoint]]\n" + URL + "[endpoint.auth]\nkind='magic'", 4, "auth.kind", "'bearer'", "Correct"),
        ("[[endpoint]]\n" + URL + "[endpoint.auth]\nkind='basic'", 3, "auth.user", "user name", "Correct"),
        (
            "[[endpoint]]\n" + URL + "[endpoint.request.headers]\nAuthorization='x'",
            4,
            "request.headers.Authorization",
            "carries a secret",
            "Correct",
        ),
        ("[[endpoint]]\n" + URL + "id='a'\n[[endpoint]]\n" + URL + "id='a'", 6, "id", "already", "Correct"),
        (
            "[[endpoint]]\n" + URL + "[endpoint.table]\nname='T'\n[[endpoint]]\n" + URL + "[endpoint.table]\nname='t'",
            8,
            "table.name",
            "already belongs to",
            "Correct",
        ),
        (
            "[[endpoint]]\n" + URL + "[endpoint.table]\nname='_sync_x'",
            4,
            "table.name",
            "reserved",
            "Correct",
        ),
        ("[general]\nkeep_runs = " + "9" * 5000, 2, "keep_runs", "number has too many digits", "Correct"),
        ("[general]\n\nsync_anyway = " + "[" * 9999, 3, "sync_anyway", "nested too deeply", "Correct"),
        ("[general]\nsync_anyway = " + "{a=" * 9999, 2, "sync_anyway", "nested too deeply", "Correct"),
        ("[general]\nkeep_runs = " + "9" * 50, 2, "general.keep_runs", "", "Correct"),
        ("[[endpoint]]\nurl = 'http://h[/'", 2, "url", "not a valid address", "Correct"),
        ("[[endpoint]]\nurl = 'http://h[/'\nname = 'x'", 2, "url", "not a valid address", "Correct"),
        ("[[endpoint]]\nurl = 'http://[::1/'", 2, "url", "not a valid address", "Correct"),
        ("a = ", 1, "", "Invalid value", "restore the previous copy"),
        ('[general]\ntheme = "dark', 2, "", "", "restore the previous copy"),
    ],
)
def test_an_error_names_line_field_and_remedy(text, line, field, says, next):
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    error = caught.value
    assert (error.problem.line, error.problem.field) == (line, field)
    assert says in error.cause
    assert next in error.next
    assert f"line {line}" in error.cause


def test_comments_and_layout_survive_a_change():
    settings = parse_settings(COMMENTED)
    first, second = settings.endpoint
    changed = msgspec.structs.replace(first, every=Duration(3600))
    text = render(COMMENTED, msgspec.structs.replace(settings, endpoint=(changed, second)))
    assert parse_settings(text).endpoint[0].every == Duration(3600)
    for comment in ("# mine", "# loud", "# the first", "# from the keyring"):
        assert comment in text


@pytest.mark.parametrize("order", [(1, 0), (0,), (1,), (), (0, 1, 2), (2, 0, 1)])
def test_endpoints_can_be_removed_added_and_reordered(order):
    settings = parse_settings(COMMENTED)
    pool = (*settings.endpoint, Endpoint(url="https://b.example/new", id="new", name="New", table=Table(name="new")))
    wanted = msgspec.structs.replace(settings, endpoint=tuple(pool[index] for index in order))
    assert parse_settings(render(COMMENTED, wanted)) == wanted


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
unscheduled = st.builds(
    Endpoint,
    url=st.sampled_from(["https://a.example/x", "http://127.0.0.1:8000/äö?x=1", "https://b.example/a.json"]),
    name=names,
    enabled=st.booleans(),
    request=st.builds(
        Request,
        params=st.dictionaries(names, names | st.integers(0, 9) | st.booleans(), max_size=2),
        timeout=st.integers(1, 60).map(Duration),
    ),
    auth=st.sampled_from([Auth(), Auth(kind="bearer"), Auth(kind="basic", user="me"), Auth(kind="query", name="k")]),
    response=st.builds(Response, records=st.sampled_from(["auto", "", "data.items"])),
    pages=st.builds(Pages, kind=st.sampled_from(["auto", "link"]), max=st.none() | st.integers(1, 9)),
    table=st.builds(
        Table, key=st.lists(names, max_size=2, unique=True).map(tuple), rename=st.dictionaries(names, names, max_size=2)
    ),
    when=st.builds(
        When,
        between=st.none() | st.just((TimeOfDay(22, 0), TimeOfDay(6, 0))),
        disk_free=st.none() | st.integers(1, 2**40).map(Size),
    ),
    at_start=st.booleans(),
    watch=st.sampled_from(["", "~/in/list.csv"]),
    after=st.none() | st.builds(After, endpoints=st.just(("other",)), need=st.sampled_from(["all", "any"])),
)
OTHER = Endpoint(url="https://c.example/", id="other", table=Table(name="other"))
schedules = st.one_of(
    st.fixed_dictionaries({"every": st.integers(10, 10**6).map(Duration)}),
    st.fixed_dictionaries(
        {"on": st.lists(st.sampled_from(["15", "last", "mon", "mon-fri", "last fri nov"]).map(Days.parse)).map(tuple)}
    ),
    st.fixed_dictionaries(
        {"once": st.sampled_from(["2026-12-01T08:00", "2026-12-01T08:00:01+01:00", "in 10m"]).map(Once.parse)}
    ),
    st.just({"every": Duration(3600), "flex": Duration(900)}),
    st.just({}),
)
endpoints = st.builds(lambda endpoint, schedule: msgspec.structs.replace(endpoint, **schedule), unscheduled, schedules)


@given(st.lists(endpoints, max_size=4), st.sampled_from(["all", "changes", "problems", "none"]))
def test_whatever_can_be_configured_survives_the_file(configured, notifications):
    settings = complete(Settings(general=General(notifications=notifications), endpoint=(*configured, OTHER)))
    text = render(COMMENTED, settings)
    assert parse_settings(text) == settings
    assert tomllib.loads(text) == to_builtins(settings)


def test_a_moment_may_be_a_time_of_toml():
    for text in ("2026-12-01T08:00:00", '"2026-12-01T08:00"'):
        settings = parse_settings(f"[[endpoint]]\nurl = 'https://a.test/'\nonce = {text}")
        assert str(settings.endpoint[0].once) == "2026-12-01T08:00"


CHAINED = """
[[endpoint]]
id = "stock"
url = "https://a.example/stock"
[[endpoint]]
id = "prices"
url = "https://a.example/prices"
[endpoint.after]
"""


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ("endpoint = 'stok'", "after.endpoint", "There is no endpoint “stok”. Did you mean “stock”?"),
        ("endpoints = ['stock', 'zzz']", "after.endpoints", "There is no endpoint “zzz”. There are: stock."),
    ],
)
def test_an_unknown_parent_is_named_with_a_suggestion(line, field, says):
    with pytest.raises(SettingsError) as caught:
        parse_settings(CHAINED + line)
    assert caught.value.problem.field == field
    assert caught.value.problem.line == 9
    assert says in caught.value.cause


def test_what_equals_its_default_is_left_out():
    seconds, method = Duration.parse("30s"), "".join(("G", "ET"))
    endpoint = Endpoint(url="https://a.test/", request=Request(method=method, timeout=seconds, params={"a": 1}))
    assert to_builtins(endpoint) == {"url": "https://a.test/", "request": {"params": {"a": 1}}}


def test_names_are_made_up_in_linear_time():
    """Where all endpoints are called the same, too."""
    text = '[[endpoint]]\nurl = "https://a.example/items"\n'
    settings = parse_settings(text * 50)
    assert [each.id for each in settings.endpoint] == ["items", *(f"items_{n}" for n in range(2, 51))]
    assert [each.table.name for each in settings.endpoint] == [each.id for each in settings.endpoint]
    few = quickest_cpu(lambda: parse_settings(text * 1000), 0)
    assert quickest_cpu(lambda: parse_settings(text * 4000), 7 * few) < 7 * few


SPREAD = """\
# of the whole file
[[endpoint]]   # one
id = "one"
url = "https://a.example/1"   # its address
name   =   "One"
[endpoint.table]
name = "one"
  # of the second
[[endpoint]]
id = "two"
url = "https://a.example/2"
name = "Two"
every = "1h"
tags = [
  "a",  # [[endpoint]]
]
[endpoint.table]
name = "two"
[endpoint.request.params]
"a b" = "[[endpoint]]"

[general]   # late
theme = 'dark'
"""


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("a = 1\nb = " + "9" * 5000, "settings.toml, line 2: A number has too many digits.", 2),
        ("a = " + "[" * 5000, "settings.toml, line 1: Its arrays and tables are nested too deeply.", 1),
        ("a = 1\n" + "b." * 20_000 + "c = 1", "settings.toml, line 2: A key has too many parts.", 2),
        ("[" + "'b' . " * 20_000 + "c]", "settings.toml, line 1: A key has too many parts.", 1),
        ('[[endpoint]]\nurl = "http://[x"', "field url", 2),
    ],
)
def test_what_only_a_machine_would_write_is_refused_in_words(text, said, line):
    with pytest.raises(SettingsError) as raised:
        parse_settings(text)
    assert said in raised.value.cause
    assert raised.value.problem.line == line


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        (lambda one, two, general: (replace(one, name="1"), two, general), 'name   =   "One"', 'name   =   "1"'),
        (lambda one, two, general: (one, replace(two, name="2"), general), '"Two"', '"2"'),
        (lambda one, two, general: (one, replace(two, every=Duration(60)), general), '"1h"', '"1m"'),
        (lambda one, two, general: (one, two, replace(general, theme="light")), "'dark'", '"light"'),
        (lambda one, two, general: (one, replace(two, tags=()), general), 'tags = [\n  "a",  # [[endpoint]]\n]\n', ""),
    ],
)
def test_all_else_stays_letter_by_letter(change, old, new):
    settings = parse_settings(SPREAD)
    *changed, general = change(*settings.endpoint, settings.general)
    assert old in SPREAD
    text = render(SPREAD, Settings(general=general, endpoint=tuple(changed)))
    assert text == SPREAD.replace(old, new)


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:00", "0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_moment_that_no_clock_shows_is_refused(moment, quote):
    with pytest.raises(SettingsError) as raised:
        parse_settings(f'[[endpoint]]\nurl = "http://a.example"\nonce = {quote}{moment}{quote}\n')
    assert "is too far away; the year must be from 1900 to 2999" in raised.value.cause
    assert raised.value.problem.line == 3
