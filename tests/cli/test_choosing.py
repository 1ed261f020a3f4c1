"""Which endpoints a command means: by id, by name, by tag or all of them; and pausing some of them."""

import pytest

from tests.server import json_reply

pytestmark = pytest.mark.usefixtures("three")


@pytest.fixture
def three(cli, api):
    for id, name, tags in (("a", "First", "daily"), ("b", "Other", "daily work"), ("c", "Other", "")):
        url = api.route(f"/{id}", json_reply([{"id": 1}, {"id": 2}]))
        cli(
            "add",
            url,
            "--id",
            id,
            "--name",
            name,
            "--set",
            f"table.name={id}",
            "--set",
            f"tags={tags.split()}",
            "--yes",
        )


def synced(cli, *arguments):
    return sorted(run["endpoint"] for run in cli.json("sync", *arguments)["runs"])


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ([], ["a", "b", "c"]),
        (["--all"], ["a", "b", "c"]),
        (["First"], ["a"]),
        (["a", "First"], ["a"]),
        (["--tag", "daily"], ["a", "b"]),
        (["--tag", "work", "c"], ["b", "c"]),
        (["--tag", "work", "--tag", "daily"], ["a", "b"]),
    ],
)
def test_sync_and_status_take_ids_names_tags_or_all(cli, arguments, meant):
    assert synced(cli, *arguments) == meant
    assert sorted(each["id"] for each in cli.json("status", *arguments)["endpoints"]) == meant


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Other"], "2 endpoints are named “Other”"),
        (["nobody"], "There is no endpoint “nobody”"),
        (["--tag", "weekly"], "There are: daily, work."),
        (["a", "--all"], "All and some"),
    ],
)
@pytest.mark.parametrize("command", ["sync", "status", "stop", "pause", "resume", "why"])
def test_what_is_not_clear_is_refused(cli, command, arguments, says):
    assert says in cli(command, *arguments, code=2).err


def test_why_answers_for_several(cli):
    assert "No endpoint is given" in cli("why", code=2).err
    assert cli.json("why", "First")["endpoint"] == "a"
    assert [each["endpoint"] for each in cli.json("why", "--tag", "daily")["endpoints"]] == ["a", "b"]
    assert cli("why", "--all").out.count("never") == 3


def test_some_are_paused_until_they_are_resumed_and_the_others_go_on(cli):
    assert "Paused until `traysync resume`: a, b." in cli("pause", "--tag", "daily").out
    assert [each["state"] for each in cli.json("status")["endpoints"]] == ["disabled", "disabled", "enqueued"]
    assert "It is switched off." in cli("why", "a").out
    assert synced(cli, "--due") == ["c"]
    assert "switched off" in cli("sync", "--tag", "daily", code=2).err
    assert synced(cli, "--tag", "daily", "b") == ["b"]
    assert cli("resume", "First").out == "On again: a.\n"
    assert synced(cli, "--tag", "daily", "--due") == ["a"]
    assert cli.json("status")["paused"] is False


def test_all_are_paused_for_a_time_but_not_some(cli):
    assert "can't be paused for a time" in cli("pause", "a", "--for", "1h", code=2).err
    cli("pause", "--all", "--for", "1h")
    assert cli.json("status")["paused"] is True
    cli("resume", "--all")
    assert cli.json("status")["paused"] is False


def test_an_endpoint_is_edited_and_switched_by_its_name(cli):
    assert cli("disable", "First").out == "a is off.\n"
    cli("edit", "First", "--set", "every=2h")
    assert cli.json("show", "a")["endpoint"]["every"] == "2h"
    assert "2 endpoints are named" in cli("remove", "Other", code=2).err


def test_a_schedule_is_replaced_only_by_taking_the_other_one_out(cli):
    cli("edit", "a", "--set", "every=2h")
    for field, value in (("cron", "0 9 * * *"), ("at", '["08:00"]'), ("once", "in 10m"), ("manual", "true")):
        told = cli("edit", "a", "--set", f"{field}={value}", code=2).err
        assert f"here are every and {field}" in told
        assert cli.json("show", "a")["endpoint"]["every"] == "2h"
        cli("edit", "a", "--set", "every=", "--set", f"{field}={value}")
        assert "every" not in cli.json("show", "a")["endpoint"]
        cli("edit", "a", "--set", f"{field}=", "--set", "every=2h")
    assert cli.json("show", "a")["endpoint"]["every"] == "2h"


@pytest.mark.parametrize("tags", ['["a b"]', '[""]', '["x", "x"]', '["x,y"]'])
def test_tags_are_single_words_and_there_once(cli, tags):
    assert "field tags" in cli("edit", "a", "--set", f"tags={tags}", code=2).err


def test_tags_are_listed(cli):
    assert "daily work" in cli("endpoints").out
