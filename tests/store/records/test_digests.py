"""Many digests in one piece of memory are what a list of them would be."""

from hypothesis import given
from hypothesis import strategies as st

from trayapp.store.records.digests import SIZE, Digests

# Few different bytes, so that digests share their beginnings and ends, and are seen across their borders.
digest = st.builds(lambda start, end: bytes([start] * 7 + [end] * (SIZE - 7)), st.integers(0, 2), st.integers(0, 2))
several = st.lists(digest, max_size=12)
place = st.integers(0, 15)


@given(several, place, place)
def test_it_is_a_list(listed, start, end):
    digests = Digests.chained(listed)
    assert list(digests) == listed == [digests[place] for place in range(len(digests))]
    assert list(digests.part(start, end)) == listed[start:end]
    assert bool(digests) == bool(listed)
    assert digests == Digests.chained([digests.part(0, start).joined, digests.part(start, 99).joined])


@given(several, st.data())
def test_some_of_it(listed, data):
    digests = Digests.chained(listed)
    places = sorted(data.draw(st.sets(st.integers(0, len(listed) - 1)))) if listed else []
    assert list(digests.only(places)) == [listed[place] for place in places]
    assert list(digests.without(places)) == [each for place, each in enumerate(listed) if place not in places]
    changes = {place: data.draw(digest) for place in places}
    assert list(digests.patched(changes)) == [changes.get(place, each) for place, each in enumerate(listed)]
    assert list(digests) == listed, "the digests themselves stay as they are"


@given(several, several, place)
def test_how_far_it_agrees_with_others(listed, others, start):
    both = list(zip(listed[start:], others, strict=False))
    expected = next((number for number, (mine, theirs) in enumerate(both) if mine != theirs), len(both))
    assert Digests.chained(listed).agreeing(start, Digests.chained(others)) == expected


@given(several, digest, place, place)
def test_what_is_found_is_there(listed, wanted, start, end):
    found = Digests.chained(listed).find(wanted, start, end)
    assert found == -1 or (start <= found < end and listed[found] == wanted)
    if listed[start : start + 1] == [wanted] and start < end:
        assert found == start
