"""Secrets are taken out of texts however they are written there, and nothing else is."""

import base64
import html
import json
import re
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trayapp.sync.http.scrub import SHORTEST, hidden_start, scrubbed

SECRET = "hunter2\"ünter2/+ 😀&<'x"


def json_unit(char: str, digits: str = "04x") -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):{digits}}" for at in range(0, len(units), 2))


def percent(char: str, digits: str = "02x") -> str:
    return "".join(f"%{byte:{digits}}" for byte in char.encode("utf-8", "surrogatepass"))


SPELLINGS = [
    str,
    percent,
    lambda char: percent(char, "02X"),
    lambda char: percent(char).replace("%", "%25"),
    lambda char: percent(char, "02X").replace("%", "%2525"),
    lambda char: quote_plus(char, errors="surrogatepass"),
    json_unit,
    lambda char: json_unit(char, "04X"),
    lambda char: json_unit(char).replace("\\", "\\\\"),
    lambda char: json.dumps(char)[1:-1],
    lambda char: f"&#{ord(char)};",
    lambda char: f"&#x{ord(char):X};",
    lambda char: html.escape(char).replace("&", "&amp;"),
    lambda char: char.upper() if char.isascii() else char,
]
WHOLE = [
    str,
    quote,
    quote_plus,
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(json.dumps(text))[3:-3],
    lambda text: html.escape(quote_plus(text)),
    lambda text: json.dumps(html.escape(text))[1:-1],
    lambda text: html.escape(json.dumps(text)[1:-1]).replace("&", "\\u0026"),
    lambda text: repr(text.encode())[2:-1],
    str.upper,
    str.lower,
    lambda text: quote(text).lower(),
    lambda text: text.replace("/", r"\/"),
]


@pytest.mark.parametrize("spelled", WHOLE)
@pytest.mark.parametrize(
    "secret", [SECRET, "pass/word+1 =", 'a"b"c"d', "C:\\temp\\u00e9", "50%25%41x", "ÄÖÜß-ключ", "&amp;&lt;x"]
)
def test_a_secret_is_found_in_every_encoding(spelled, secret):
    text = f"I got ({spelled(secret)}) and [{spelled(secret)}]."
    assert scrubbed(text, [secret]) == "I got (…) and […]."


PACKED = [
    lambda secret: secret.hex(),
    lambda secret: secret.hex().upper(),
    lambda secret: base64.b64encode(secret),
    lambda secret: base64.urlsafe_b64encode(secret),
    lambda secret: base64.b64encode(secret).rstrip(b"="),
    lambda secret: quote(base64.b64encode(secret)),
]


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("secret", ["hunter2", "s3cret/é?>", "~~~???>>>", "Zx81QpLm30vT9aB7kD2f", "pass"])
def test_a_secret_is_found_in_hexadecimal_digits_and_base64(packed, secret):
    code = packed(secret.encode())
    code = code.decode() if isinstance(code, bytes) else code
    assert scrubbed(f"I got ({code}).", [secret]).replace("=", "").replace("%3D", "") == "I got (…)."


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, bytes.hex])
@given(st.binary(max_size=5), st.text(st.characters(codec="utf-8"), min_size=6, max_size=30), st.binary(max_size=5))
def test_a_secret_is_found_in_what_is_packed_with_other_things(encode, before, secret, behind):
    code = encode(before + secret.encode() + behind)
    code = code.decode() if isinstance(code, bytes) else code
    left = scrubbed(code, [secret])
    # At each end a digit is left that the secret shares with its neighbour.
    assert "…" in left
    assert len(left) <= 4 * (len(before) + len(behind)) + 9


# No secret that can be sent has control characters. Backslashes are only tested above, in texts that are encoded as a
# whole: where each character is encoded in its own way, nobody can tell one from the escape of what follows.
characters = st.characters(exclude_categories=["Cc"], exclude_characters="\\")


@given(st.lists(st.tuples(characters, st.sampled_from(SPELLINGS)), min_size=8, max_size=20))
def test_a_secret_is_found_with_any_of_its_characters_encoded(spelled):
    secret = "".join(char for char, _ in spelled)
    # Something must be left of it when all that looks encoded is undone.
    assume(len(re.sub(r"[%&;#\w]", "", secret)) >= SHORTEST)
    coded = "".join(spelling(char) for char, spelling in spelled)
    assert scrubbed(f"begin ({coded}) end", [secret]) == "begin (…) end"


@given(st.text(st.characters(exclude_characters="s")), st.lists(st.text("s3cret", min_size=4)))
def test_what_holds_no_secret_stays_as_it_is(text, secrets):
    assert scrubbed(text, ["s3cret", *(f"s{secret}" for secret in secrets)]) == text


@given(st.text("ab%25\\u0041&amp;+ ", max_size=60), st.lists(st.text("ab%25\\u0041&amp;+ ", max_size=8), max_size=3))
def test_no_text_and_no_secret_is_too_odd(text, secrets):
    left = scrubbed(text, secrets, "\0")
    assert not any(len(secret) >= SHORTEST and secret in left for secret in secrets)


def test_secrets_that_overlap_leave_nothing():
    assert scrubbed("xabcabcabcx", ["abcabc"]) == "x…x"
    assert scrubbed("password1234 pass word1234", ["pass", "password1234", "word1234"]) == "… … …"
    assert scrubbed("(abcdÃ) (Ãabcd)", ["abcd%C3", "%83abcd"]) == "(…) (…)"  # half a character is encoded in these
    assert scrubbed(r"(\"0000:$$)", ['"0000:$$']) == "(…)"
    assert scrubbed("", ["secret"]) == ""
    assert scrubbed("a secret", [""]) == "a secret"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a 7 is a bad password", "a 7 is a bad password"),
        ("?key=7&page=77", "?key=…&page=77"),
        ('{"key": "7", "n": 17}', '{"key": "…", "n": 17}'),
        ("key: 7, keys: 78", "key: …, keys: 78"),
        ("X-Key:7", "X-Key:…"),
        ("key=%37", "key=…"),
    ],
)
def test_a_very_short_secret_is_hidden_only_where_it_is_a_value(text, left):
    assert scrubbed(text, ["7"]) == left


LONG = ["%25", "25%", "%", "\\", "\\u", "&amp;", "&amp", "&#", "a", "aaaaaaab", "\\ud800\\", "é", "%C3", "+ "]


@pytest.mark.parametrize("piece", LONG)
def test_the_time_grows_with_the_text_and_no_faster(piece):
    """Four times the text takes four times as long; quadratic would be sixteen."""
    secrets = ["aaaaaaaaaaab", "%25%25%25x", r"\\\\\\\\x", "&amp;&amp;x", "+ + + + x"]

    def seconds(size):
        text = piece * (size // len(piece))
        started = time.process_time()
        scrubbed(text, secrets)
        return time.process_time() - started

    assert seconds(1_000_000) < 10 * seconds(250_000) + 0.1


@pytest.mark.parametrize("length", [1, 10, 300])
@pytest.mark.parametrize("way", WHOLE)
def test_what_a_cut_leaves_of_a_secret_is_not_shown(way, length):
    secret = way(SECRET)
    for before in range(max(0, length - len(secret)), length + 5000, 97):
        text = "-" * before + secret + "+" * 5000
        start = hidden_start(text, length, lambda text: scrubbed(text, [SECRET]))
        assert len(start) <= length
        assert not set(start) - set("-+…"), (before, start)
        assert before < length or ("-" * length).startswith(start)


def test_the_start_of_a_short_text_is_all_of_it():
    assert hidden_start("abc", 10, str) == "abc"
    assert hidden_start("abc" * 3000, 9000, str) == "abc" * 3000
