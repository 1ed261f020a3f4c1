"""What a walk over a listing proves, over all that can be known of one."""

from datetime import UTC, datetime, timedelta
from itertools import product

import msgspec
import pytest

from trayapp.endpoints.model import Pages
from trayapp.sync.detection.proof import MOST_PAGES_TWICE, ProvenPaging, Walked, judged
from trayapp.sync.paging.signs import Sign, Signs

FLAGS = ("complete", "shifting", "resumed", "partial", "unseen", "by_cursor", "counted")
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def every(**fixed):
    """All evidence there can be after the first walk, with these facts."""
    for values in product((False, True), repeat=len(FLAGS)):
        facts = dict(zip(FLAGS, values, strict=True))
        for pages in (1, MOST_PAGES_TWICE, MOST_PAGES_TWICE + 1):
            if all(facts[name] == value for name, value in fixed.items()):
                yield Walked(**facts, pages=pages)


def ends(listing):
    """Every proof there can be, with what was asked for on the way."""
    found = judged(listing)
    if found == "compare":
        assert listing.lacks is None, "it was compared already"
        answers = [{"lacks": lacks} for lacks in (False, True)]
    elif found == "repeat":
        assert listing.repeated is None, "it was walked again already"
        answers = [{"repeated": how} for how in ("complete", "incomplete", "refused")]
    else:
        return [(found, listing)]
    return [end for answer in answers for end in ends(msgspec.structs.replace(listing, **answer))]


def test_a_listing_that_was_not_read_to_its_end_proves_nothing():
    assert {judged(listing) for listing in every(complete=False)} == {"none"}


def test_one_that_stands_still_proves_all_at_once():
    assert {judged(listing) for listing in every(complete=True, shifting=False, resumed=False)} == {"whole"}
    assert {judged(listing) for listing in every(complete=True, shifting=False, partial=True)} == {"whole"}


def test_one_that_was_gone_on_with_is_compared_first_though_it_stands_still():
    listings = every(complete=True, shifting=False, resumed=True, partial=False)
    assert {judged(listing) for listing in listings} == {"compare"}


def test_what_changed_is_always_walked_again_where_rows_may_have_moved():
    for listing in every(complete=True, shifting=True, partial=True, by_cursor=True):
        assert judged(listing) == "repeat"


def test_nothing_is_missing_from_a_whole_listing_unless_it_was_compared_or_walked_again():
    for listing in every(complete=True):
        for proof, known in ends(listing):
            if proof == "whole" and (known.shifting or (known.resumed and not known.partial)):
                assert known.lacks is False or known.repeated == "complete"


def test_a_second_walk_that_was_incomplete_proves_nothing():
    seen = {proof for each in every(complete=True) for proof, known in ends(each) if known.repeated == "incomplete"}
    assert seen == {"none"}


def test_a_long_listing_is_not_walked_again():
    for listing in every(complete=True, partial=False):
        for proof, known in ends(listing):
            if listing.pages > MOST_PAGES_TWICE:
                assert known.repeated is None
                assert proof in ("whole", "counted", "half")
            else:
                assert proof != "counted"


def test_only_a_number_of_records_in_one_walk_counts():
    for listing in every(complete=True):
        for proof, known in ends(listing):
            assert proof != "counted" or (known.counted and not known.resumed)


def test_what_slips_through_where_nobody_asks_again_is_looked_for_before_any_comparison():
    for listing in every(complete=True, shifting=True):
        if listing.unseen or listing.by_cursor:
            assert all(known.lacks is None for _, known in ends(listing))


NEXT = Signs(addresses=(Sign("b", "/x?page=2"),))
MORE = Signs(goes_on=Sign("has_more", True))


@pytest.mark.parametrize(
    ("pages", "now", "signs", "count", "holds"),
    [
        (Pages(kind="page"), 400, Signs(), 3, True),
        (Pages(kind="page"), 400, MORE, 99, True),
        (Pages(kind="link"), 400, Signs(link="/2"), 10, True),
        (Pages(kind="link"), 400, Signs(), 10, True),
        (Pages(kind="link"), 0, NEXT, 10, False),
        (Pages(kind="next_url", path="b"), 400, NEXT, 10, True),
        (Pages(kind="next_url", path="a"), 0, NEXT, 10, False),
        (Pages(kind="next_url", path="a"), 0, Signs(link="/2"), 10, False),
        (Pages(kind="none"), 0, Signs(), 10, True),
        (Pages(kind="none"), 23.9, Signs(), 10, True),
        (Pages(kind="none"), 24, Signs(), 10, False),
        (Pages(kind="none"), -1, Signs(), 10, False),
        (Pages(kind="none"), 0, Signs(), 9, True),
        (Pages(kind="none"), 0, Signs(), 11, True),
        (Pages(kind="none"), 0, Signs(), 20, False),
        (Pages(kind="none"), 0, MORE, 10, False),
        (Pages(kind="none"), 0, NEXT, 10, False),
    ],
)
def test_how_long_a_way_to_the_next_page_is_believed(pages, now, signs, count, holds):
    proven = ProvenPaging("GET /items", pages, 10, NOW)
    assert proven.holds(signs, count, NOW + timedelta(hours=now)) is holds


def test_one_page_of_very_few_records_is_believed_of_no_more():
    few = ProvenPaging("GET /items", Pages(kind="none"), 2, NOW)
    assert few.holds(Signs(), 1, NOW)
    assert few.holds(Signs(), 2, NOW)
    assert not few.holds(Signs(), 3, NOW)


def test_one_page_that_was_proven_nobody_knows_when_is_not_believed():
    assert not ProvenPaging("GET /items", Pages(kind="none"), 10).holds(Signs(), 10, NOW)
