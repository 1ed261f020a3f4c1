"""`add --preset`, as a user types it."""

import json

import pytest

from tests.comparing import canonical, rows
from tests.presets.servers import APIS
from tests.server import ApiServer
from trayapp.cli import main

WORDPRESS = APIS["wordpress-posts"]
POSTS = [WORDPRESS.made(number) for number in range(1, 26)]


@pytest.fixture
def blog():
    with ApiServer() as server:
        server.route(f"/blog{WORDPRESS.path}", lambda seen: WORDPRESS.serve(POSTS, seen))
        yield server.url("/blog")


def test_a_preset_and_a_value_are_all_it_takes(blog, home, capsys):
    assert main(["add", "--preset", "wordpress-posts", "--with", f"site={blog}", "--yes"]) == 0
    capsys.readouterr()
    assert main(["sync", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["added"] == 25
    assert canonical(rows(home / "traysync.db", "posts")) == canonical(POSTS)


def test_other_options_go_before_what_the_preset_has(blog, capsys):
    options = ["--name", "Their blog", "--every", "2h", "--param", "lang=de", "--set", "table.name=blog_posts"]
    assert main(["add", "--preset", "wordpress-posts", "--with", f"site={blog}", *options, "--yes", "--json"]) == 0
    endpoint = json.loads(capsys.readouterr().out)["endpoint"]
    assert (endpoint["name"], endpoint["every"], endpoint["id"]) == ("Their blog", "2h", "their_blog")
    assert endpoint["request"]["params"] == {"lang": "de"}
    assert endpoint["table"] == {"name": "blog_posts", "key": ["id"]}


def test_help_lists_what_there_is(capsys):
    assert main(["add", "--preset", "help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in APIS)
    assert '--with site="https://blog.example.org"' in shown
    assert main(["add", "--preset", "help", "--json"]) == 0
    assert {preset["name"] for preset in json.loads(capsys.readouterr().out)["presets"]} == set(APIS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--preset", "wordpress-posts"], "needs “site”"),
        (["--preset", "wordpess"], "no preset “wordpess”"),
        (["http://127.0.0.1:1/", "--preset", "wordpress-posts"], "url and preset"),
        (["http://127.0.0.1:1/", "--with", "site=x"], "needs a preset"),
        (["--preset", "wordpress-posts", "--with", "site"], "NAME=VALUE"),
    ],
)
def test_wrong_usage_is_told(arguments, says, capsys):
    assert main(["add", *arguments, "--yes"]) == 2
    assert says in capsys.readouterr().err
