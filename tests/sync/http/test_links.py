import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.sync.http.links import next_link, origin, parse_link_header, place_of


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://a/2>; rel="next"', "https://a/2"),
        ("<https://a/2>; rel=next", "https://a/2"),
        ('<https://a/1>; rel="prev", <https://a/3>; rel="next"', "https://a/3"),
        ('<https://a/2?x=1;y=2,3>; rel="prev next"', "https://a/2?x=1;y=2,3"),
        ('<https://a/2>; title="a, b; rel=\\"x\\""; rel="next"', "https://a/2"),
        ('<https://a/2>;REL="NEXT"', "https://a/2"),
        ('</2>; rel="next last"', "/2"),
        ('<https://a/2>; rel="last"; rel="next"', None),
        ('<https://a/2>; rel="next"; anchor="#other"', None),
        ('<https://a/2>; rel="nextish"', None),
        ("garbage", None),
        ("", None),
        ('<https://a/0>, <https://a/2>; rel="next"', "https://a/2"),
    ],
)
def test_the_next_link_is_found_as_rfc_8288_says(header, target):
    assert next_link(header) == target


targets = st.text("abc/?=&;,%", min_size=1, max_size=10)


@given(st.lists(st.tuples(targets, st.sampled_from(["next", "prev", "first last"])), max_size=4))
def test_every_link_written_is_read(links):
    header = ", ".join(f'<{target}>; rel="{rel}"; title="x, \\"y\\" <z>"' for target, rel in links)
    assert [(target, parameters["rel"]) for target, parameters in parse_link_header(header)] == links


@given(st.text(max_size=60))
def test_no_header_breaks_the_parser(text):
    parse_link_header(text)


def test_origins():
    assert origin("https://A.example/x") == origin("https://a.example:443/y")
    assert origin("http://a.example") != origin("https://a.example")
    assert origin("https://a.example:8443") != origin("https://a.example")
    assert place_of("https://me:pw@a.example:8443/x?key=secret#f") == "https://a.example:8443/x"
