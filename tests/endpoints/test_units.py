import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.endpoints.units import Duration, Rate, Size, TimeOfDay


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("1h30m", 5400), ("2d", 172800), ("1w", 604800), ("1.5h", 5400)]
)
def test_durations_are_read(text, seconds):
    assert Duration.parse(text).seconds == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "5x", "1h nonsense", "-5m", "1h-"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="is not a duration; write a number"):
        Duration.parse(text)


@given(st.integers(1, 10**8))
def test_a_duration_survives_its_own_text(seconds):
    assert Duration.parse(str(Duration(seconds))) == Duration(seconds)


@given(st.integers(0, 2**50))
def test_a_size_survives_its_own_text(count):
    assert Size.parse(str(Size(count))) == Size(count)


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_survives_its_own_text(hour, minute):
    assert TimeOfDay.parse(str(TimeOfDay(hour, minute))) == TimeOfDay(hour, minute)


@pytest.mark.parametrize(("text", "gap"), [("5/s", 0.2), ("60/m", 1.0), ("1/h", 3600.0)])
def test_rates_say_the_gap_between_requests(text, gap):
    assert Rate.parse(text).gap == pytest.approx(gap)
    assert str(Rate.parse(text)) == text


@pytest.mark.parametrize("text", ["24:00", "8", "08:60", "8am"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValueError, match="is not a time of day"):
        TimeOfDay.parse(text)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (Duration, "36501d", "is too long; the longest is 36500d"),
        (Duration, "9" * 400 + "s", "is too long"),
        (Size, "9" * 400, "is too large; the largest is 10000000GB"),
        (Rate, "9" * 400 + "/s", "from 0.000001 to 1000000"),
        (Rate, "0.0000001/d", "from 0.000001 to 1000000"),
    ],
)
def test_what_is_beyond_all_bounds_is_refused(kind, text, said):
    with pytest.raises(ValueError, match=said):
        kind.parse(text)


@pytest.mark.parametrize(
    ("kind", "text"), [(Duration, "0.00001s"), (Duration, "36500d"), (Rate, "1000000/s"), (Rate, "0.000001/d")]
)
def test_the_smallest_and_largest_survive_their_own_text(kind, text):
    assert kind.parse(str(kind.parse(text))) == kind.parse(text)


@pytest.mark.parametrize(("kind", "text"), [(Size, "5 TB"), (Rate, "0/s"), (Rate, "5")])
def test_other_nonsense_is_refused(kind, text):
    with pytest.raises(ValueError, match="is not a"):
        kind.parse(text)


def test_units_are_values():
    assert Duration(60) == Duration.parse("1m")
    assert Duration(60) < Duration(61)
    assert hash(Duration(60)) == hash(Duration(60.0))
    assert pickle.loads(pickle.dumps(Duration(60))) == Duration(60)
    with pytest.raises(AttributeError):
        Duration(60)._value = (1,)
