"""Which settings make sense together: what the types can't say."""

import pytest

from tests.patience import quickest_cpu
from trayapp.endpoints.calendar import Days, Once
from trayapp.endpoints.model import After, Auth, Endpoint, Incremental, Limits, Settings, Table, When
from trayapp.endpoints.settings import SettingsError, decode_endpoint
from trayapp.endpoints.units import Duration, HostPort
from trayapp.endpoints.validate import check_endpoint, check_settings


@pytest.mark.parametrize(
    ("incremental", "path"),
    [
        (Incremental(), "incremental.field"),
        (Incremental(field="at"), "incremental.param"),
        (Incremental(param="since"), "incremental.field"),
        (Incremental(field="at", path="seq", param="since"), "incremental.path"),
        (Incremental(field="at", param="since", format="iso8601"), "incremental.format"),
        (Incremental(field="at", param="since", format="at > {when}"), "incremental.format"),
        (Incremental(field="at", param="a b", into="header"), "incremental.param"),
        (Incremental(field="at", param="since", full_every=Duration(0)), "incremental.full_every"),
        (Incremental(path="delta", initial="1"), "incremental.initial"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_incrementally(incremental, path):
    endpoint = Endpoint(url="https://a.example/x", incremental=incremental)
    assert path in [problem.path for problem in check_endpoint(endpoint)]


@pytest.mark.parametrize(
    "incremental",
    [
        Incremental(field="at", param="since"),
        Incremental(field="a.b", param="q", format="at >= '{%Y-%m-%d}'"),
        Incremental(field="at", param="q", format="at ge {}", lookback=Duration(60)),
        Incremental(path="header:ETag", param="_since", initial="0"),
        Incremental(path="@odata.deltaLink"),
        Incremental(deleted="gone=true"),
    ],
    ids=str,
)
def test_what_can_be_asked_for_incrementally(incremental):
    assert check_endpoint(Endpoint(url="https://a.example/x", incremental=incremental)) == []


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_part_of_a_listing_needs_a_mode_that_keeps_the_rest(mode):
    endpoint = Endpoint(
        url="https://a.example/x", table=Table(mode=mode), incremental=Incremental(field="at", param="since")
    )
    assert [problem.path for problem in check_endpoint(endpoint)] == ["incremental.field"]


@pytest.mark.parametrize(
    ("when", "path", "says"),
    [
        (When(idle=Duration(0)), "when.idle", "like 10m"),
        (When(wifi=("",)), "when.wifi", "is empty"),
        (When(wifi=("a", "b"), not_wifi=("b",)), "when.not_wifi", "also in when.wifi"),
        (When(not_while=(" ",)), "when.not_while", "is empty"),
        (When(not_while=("/usr/bin/zoom",)), "when.not_while", "like zoom"),
        (When(not_while=("C:\\Zoom\\zoom.exe",)), "when.not_while", "like zoom.exe"),
    ],
    ids=str,
)
def test_what_no_run_can_wait_for(when, path, says):
    ((found, message),) = check_endpoint(Endpoint(url="https://a.example/x", when=when))
    assert found == path
    assert says in str(message)


@pytest.mark.parametrize("text", ["nas.local", "nas.local:", "nas:0", "nas:99999", "::1:80", "http://nas:80", "a@b:1"])
def test_what_is_no_server_and_port_is_refused_with_an_example(text):
    with pytest.raises(SettingsError) as refused:
        decode_endpoint({"url": "https://a.example/x", "when": {"reachable": text}})
    assert refused.value.problem.field == "when.reachable"
    assert "like nas.local:445" in refused.value.cause


@pytest.mark.parametrize(("text", "host", "port"), [("nas.local:445", "nas.local", 445), ("[::1]:80", "::1", 80)])
def test_servers_are_read_and_written(text, host, port):
    read = HostPort.parse(text)
    assert (read.host, read.port, str(read)) == (host, port, text)


@pytest.mark.parametrize(
    ("schedule", "path"),
    [
        ({"flex": Duration(60)}, "flex"),
        ({"every": Duration(60), "flex": Duration(61)}, "flex"),
        ({"every": Duration(60), "flex": Duration(1)}, "flex"),
        ({"every": Duration(60), "on": (Days.parse("mon"),)}, "on"),
        ({"cron": "* * * * *", "once": Once.parse("in 1h")}, "once"),
        ({"manual": True, "at_start": True}, "at_start"),
        ({"manual": True, "watch": "/in"}, "watch"),
        ({"watch": "in.csv"}, "watch"),
    ],
    ids=str,
)
def test_which_schedules_make_no_sense(schedule, path):
    assert [problem.path for problem in check_endpoint(Endpoint(url="https://a.example/x", **schedule))] == [path]


def chain(**after):
    return check_settings(
        Settings(
            endpoint=tuple(
                Endpoint(url="https://a.example/x", id=id, table=Table(name=id), after=after.get(id)) for id in "abc"
            )
        )
    )


def test_circles_are_refused_wherever_they_close():
    assert chain(b=After(endpoint="a"), c=After(endpoints=("a", "b"))) == []
    found = chain(a=After(endpoint="c"), b=After(endpoint="a"), c=After(endpoint="a", endpoints=("b",)))
    assert [(index, problem.path) for index, problem in found] == [
        (0, "after.endpoint"),
        (1, "after.endpoint"),
        (2, "after.endpoint"),
    ]
    assert "a → c → a" in str(found[0][1].message)


def test_nobody_runs_after_itself():
    assert [problem.path for _, problem in chain(a=After(endpoints=("a",)))] == ["after.endpoints"]


def auth_problems(**fields):
    auth = Auth(kind="oauth2_client", token_url="https://a.example/token", client_id="me", **fields)
    return [
        (problem.path, problem.message) for problem in check_endpoint(Endpoint(url="https://a.example/x", auth=auth))
    ]


@pytest.mark.parametrize(
    "name",
    ["client_secret", "Password", "passwd", "client_assertion", "refresh_token", "token", "api_key", "apikey"],
)
@pytest.mark.parametrize("section", ["token_params", "auth_params"])
def test_what_looks_like_a_secret_is_not_stored_readably(section, name):
    ((path, message),) = auth_problems(**{section: {name: "hunter2"}})
    assert path == f"auth.{section}.{name}"
    assert "would be stored as plain text" in str(message)
    assert "hunter2" not in str(message)


@pytest.mark.parametrize(("name", "says"), [("grant_type", "itself"), ("scope", "auth.scopes"), (" ", "name")])
def test_parameters_that_are_the_program_s_own_are_refused(name, says):
    ((_, message),) = auth_problems(token_params={name: "x"})
    assert says in str(message)


@pytest.mark.parametrize(
    "name", ["audience", "resource", "access_type", "prompt", "tenant", "requested_token_type", "client_assertion_type"]
)
def test_a_service_s_own_parameters_are_taken(name):
    assert auth_problems(token_params={name: "x"}, auth_params={name: "x"}) == []


@pytest.mark.parametrize(("port", "refused"), [(0, True), (-1, True), (65536, True), (1, False), (65535, False)])
def test_which_numbers_are_ports(port, refused):
    assert [path for path, _ in auth_problems(redirect_port=port)] == ["auth.redirect_port"] * refused


@pytest.mark.parametrize("connections", [0, 17])
def test_connections_are_few_but_not_none(connections):
    endpoint = Endpoint(url="https://a.example/x", limits=Limits(connections=connections))
    assert str(dict(check_endpoint(endpoint))["limits.connections"]) == "Must be from 1 to 16."


def test_long_chains_are_checked_at_once():
    def settings(length, closed):
        return Settings(
            endpoint=tuple(
                Endpoint(
                    url="https://a.example/x",
                    id=f"e{n}",
                    table=Table(name=f"e{n}"),
                    after=After(endpoint=f"e{(n + 1) % length}") if closed or n + 1 < length else None,
                )
                for n in range(length)
            )
        )

    assert quickest_cpu(lambda: check_settings(settings(3000, False)), 2) < 2
    assert check_settings(settings(3000, False)) == []
    found = check_settings(settings(300, True))
    assert len(found) == 300
    assert str(found[0][1].message).endswith("e298 → e299 → e0.")
