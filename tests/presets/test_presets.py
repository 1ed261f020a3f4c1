"""Choosing a preset and filling it in."""

import msgspec
import pytest

from trayapp.endpoints.naming import completed
from trayapp.endpoints.presets import Preset, fill, find_preset, load_presets
from trayapp.endpoints.validate import check_endpoint
from trayapp.errors import UserError

PRESETS = load_presets()


def examples(preset: Preset) -> dict[str, str]:
    return {placeholder.name: placeholder.example for placeholder in preset.placeholders}


def test_there_are_presets_for_many_well_known_apis():
    assert len(PRESETS) >= 15
    assert len({preset.title for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_is_usable_once_it_is_filled_in(preset):
    endpoint = fill(preset, examples(preset))
    assert "{" not in msgspec.json.encode(endpoint.url + endpoint.name + endpoint.auth.user).decode()
    assert check_endpoint(completed(endpoint)) == []
    assert endpoint.auth.kind == "none" or preset.secret
    assert preset.title
    assert preset.description.endswith(".")
    assert preset.docs.startswith("https://")
    for placeholder in preset.placeholders:
        assert placeholder.help
        assert f"{{{placeholder.name}}}" in str(preset.endpoint)


def test_values_are_encoded_where_they_stand():
    endpoint = fill(find_preset("gitlab-issues"), {"project": "a group/née?x=1#y"})
    assert endpoint.url.startswith("https://gitlab.com/api/v4/projects/a%20group%2Fn%C3%A9e%3Fx%3D1%23y/issues?")
    assert endpoint.name == "a group/née?x=1#y issues"


def test_parameters_take_values_as_they_are():
    endpoint = fill(find_preset("mediawiki-category"), {"category": "Käse & Wein"})
    assert endpoint.request.params["cmtitle"] == "Category:Käse & Wein"


@pytest.mark.parametrize(
    ("site", "url"),
    [
        ("blog.example.org", "https://blog.example.org/wp-json/"),
        ("https://blog.example.org/", "https://blog.example.org/wp-json/"),
        ("http://localhost:8080/blog", "http://localhost:8080/blog/wp-json/"),
    ],
)
def test_a_site_is_taken_as_people_write_it(site, url):
    assert fill(find_preset("wordpress-posts"), {"site": site}).url.startswith(url)


def test_a_document_keeps_its_whole_address():
    address = "https://example.org/feed?type=rss&cat=a%20b"
    assert fill(find_preset("rss-feed"), {"address": address}).url == address


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("github-issues", {"owner": "x"}, "needs “repo”"),
        ("github-issues", {"owner": "x", "repo": " "}, "needs “repo”"),
        ("github-issues", {"owner": "x", "repo": "y", "branch": "z"}, "no “branch”"),
        ("github-issues", {"owner": "..", "repo": "y"}, "another address"),
        ("shopify-products", {"shop": "evil.example/"}, "can't be part of a server's name"),
        ("shopify-products", {"shop": "evil.example#"}, "can't be part of a server's name"),
        ("wordpress-posts", {"site": "ftp://example.org"}, "not a web address"),
        ("wordpress-posts", {"site": "https://example.org/?a=b"}, "Leave out everything from"),
        ("wordpress-posts", {"site": "https://me:secret@example.org"}, "authentication fields"),
        ("wordpress-posts", {"site": "https://exam ple.org"}, "not a web address"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(name, values, says):
    with pytest.raises(UserError) as caught:
        fill(find_preset(name), values)
    assert says in str(caught.value)


def test_an_unknown_preset_is_answered_with_all_names():
    with pytest.raises(UserError, match=r"no preset “gihub”") as caught:
        find_preset("gihub")
    assert "github-issues" in caught.value.cause
