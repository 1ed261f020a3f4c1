import pytest

from tests.readme import table_in, with_table

BEGIN, END = "<!-- x: written by python -m y -->", "<!-- end of x -->"


def test_a_table_goes_between_its_markers_and_nothing_else_is_lost():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    written = with_table(text, "x", "new")
    assert written == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert table_in(written, "x") == "new"


@pytest.mark.parametrize("text", ["", BEGIN, END, END + BEGIN, BEGIN.replace("x", "z") + END])
def test_missing_markers_are_told(text):
    with pytest.raises(ValueError, match="is missing"):
        with_table(text, "x", "new")
