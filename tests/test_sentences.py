"""Sentences for people are data: nothing is put together from pieces, and nothing is decided by reading them."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "trayapp"
FILES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}

_MAKERS = ("say", "say_count", "tr", "tr_count")
_PARTS = ("title", "cause", "next")
_WORDS = frozenset({*_PARTS, "sentence", "reason"})
_READERS = frozenset({"startswith", "endswith", "removeprefix", "removesuffix", "find", "index", "split", "partition"})
_MATCHERS = frozenset({"search", "match", "fullmatch", "findall", "finditer", "sub"})


def errors() -> frozenset[str]:
    """The names of UserError and all classes below it."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in FILES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"UserError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return frozenset(found)


ERRORS = errors()


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def makers(tree: ast.AST) -> frozenset[str]:
    """Which names of this module are those of trayapp.messages: others are called so, too."""
    return frozenset(
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "trayapp.messages"
        for alias in node.names
        if alias.name in _MAKERS and alias.asname is None
    )


def is_raw(node: ast.expr) -> bool:
    """Whether this is text, written out or put together, instead of a message."""
    match node:
        case ast.Constant(value=str(text)):
            return text != ""
        case ast.JoinedStr() | ast.BinOp():
            return True
        case ast.IfExp(body=one, orelse=other):
            return is_raw(one) or is_raw(other)
        case ast.BoolOp(values=values):
            return any(map(is_raw, values))
        case ast.Call(func=ast.Attribute(attr="format" | "join")):
            return True
        case _:
            return False


def raw_parts(tree: ast.AST) -> Iterator[int]:
    """Lines of errors and problems that get a text for a title, a cause or what to do next."""
    for call in calls(tree):
        is_super = isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
        if name_of(call) in ERRORS | {"Problem"} or is_super:
            given = [*call.args[:3], *(each.value for each in call.keywords if each.arg in _PARTS)]
            inner = [part for part in given if not (is_super and not is_sentence(part))]
            if any(map(is_raw, inner)):
                yield call.lineno


def is_sentence(node: ast.expr) -> bool:
    """Whether a text that goes to another constructor looks like one for people."""
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return any(text[:1].isupper() and " " in text for text in texts)


def unnamed_ids(tree: ast.AST) -> Iterator[int]:
    """Lines where an id is not written out."""
    known = makers(tree)
    for call in calls(tree):
        if name_of(call) in known:
            ids = call.args[: 2 if name_of(call).endswith("_count") else 1]
            if not ids or not all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in ids):
                yield call.lineno


def places(id: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(id) if field is not None}


def unfilled_places(tree: ast.AST) -> Iterator[int]:
    """Lines where the places of an id are not the arguments that are given."""
    known = makers(tree)
    for call in calls(tree):
        if name_of(call) not in known or any(each.arg is None for each in call.keywords):
            continue
        texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        given = {each.arg for each in call.keywords}
        wanted = set().union(*map(places, texts))
        if name_of(call).endswith("_count"):
            given, wanted = given - {"count"}, wanted - {"count"}
        if given != wanted:
            yield call.lineno


def is_words(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name):
            return name in _WORDS
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return is_words(inner) or (isinstance(inner, ast.Name) and inner.id in ("message", "error_message"))
        case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "casefold" | "strip" | "english")):
            return is_words(inner)
        case _:
            return False


def decisions(tree: ast.AST) -> Iterator[int]:
    """Lines where something is looked for in the words of a problem."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=ops, comparators=comparators):
                pairs = zip(ops, comparators, strict=True)
                if any(isinstance(op, ast.In | ast.NotIn) and is_words(words) for op, words in pairs):
                    yield node.lineno
            case ast.Call(func=ast.Attribute(value=text, attr=name)) if name in _READERS and is_words(text):
                yield node.lineno
            case ast.Call(func=ast.Attribute(attr=name), args=given) if name in _MATCHERS and any(map(is_words, given)):
                yield node.lineno


CHECKS = {"raw": raw_parts, "ids": unnamed_ids, "places": unfilled_places, "decisions": decisions}


def found(name: str) -> dict[str, dict[str, list[int]]]:
    faults = {kind: list(check(FILES[name])) for kind, check in CHECKS.items()}
    faults = {kind: lines for kind, lines in faults.items() if lines}
    return {name: faults} if faults else {}


def test_sentences_are_messages():
    faults: dict[str, dict[str, list[int]]] = {}
    for name in FILES:
        faults |= found(name)
    assert faults == {}


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("raw", 'UserError("A title")'),
        ("raw", 'UserError(say("A"), f"{a} is wrong")'),
        ("raw", 'SyncError(say("A"), say("B"), "one" + two)'),
        ("raw", 'Problem(say("A"), next="Do {}".format(a))'),
        ("raw", 'UserError(say("A"), ", ".join(names))'),
        ("raw", 'UserError(say("A"), say("B") if a else "C")'),
        ("raw", 'super().__init__("The title of it", cause)'),
        ("ids", "say(text)"),
        ("ids", 'say(f"a {b}")'),
        ("ids", 'tr("a" + b)'),
        ("ids", 'say_count("one", many, 3)'),
        ("places", 'say("{a} and {b}", a=1)'),
        ("places", 'say("{a}", a=1, b=2)'),
        ("places", 'say_count("{name}", "{count} of {names}", 3, name=1)'),
        ("decisions", '"word" in error.cause'),
        ("decisions", '"word" not in str(problem.title).lower()'),
        ("decisions", 're.search("word", error.cause)'),
        ("decisions", "PATTERN.match(report.sentence)"),
        ("decisions", 'str(message).startswith("a")'),
    ],
)
def test_every_fault_is_found(kind, source):
    tree = ast.parse(f"from trayapp.messages import say, say_count, tr\n{source}")
    assert list(CHECKS[kind](tree)) == [2]


@pytest.mark.parametrize(
    "source",
    [
        'UserError(say("A title"), other.problem.cause, NOTHING, code="a")',
        'UserError(foreign(str(error)), "")',
        'say("{a} and {b}", a=1, b=", ".join(names))',
        'say_count("one of {of}", "{count} of {of}", count=2, of=3)',
        'say("{a}", **places)',
        "word in names and error.said in texts",
        're.search("word", error.said)',
        'super().__init__(f"{name} {why}")',
    ],
)
def test_what_is_right_is_no_fault(source):
    tree = ast.parse(f"from trayapp.messages import say, say_count, tr\n{source}")
    assert [kind for kind, check in CHECKS.items() if list(check(tree))] == []
