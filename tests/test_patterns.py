"""Every regular expression of the program takes time linear to the text, whatever the text is.

They hold Python's only lock while they search, so a slow one freezes the windows as well. They are found in the source,
and each is given texts that its own repetitions take, from short ones to ones so long that more than linear time shows.
"""

import ast
import builtins
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import trayapp
from tests.patience import quickest_cpu

ROOT = Path(trayapp.__file__).parent
METHODS = frozenset({"match", "fullmatch", "search", "split", "sub", "subn", "findall", "finditer"})
LENGTHS = (16, 20, 24, 28, 32, 250, 8000)
"""The short ones come first, as there are patterns that would not come to an end on a long one."""
AT_ONCE = 0.005
"""Seconds: what takes no longer is not looked at any closer."""
FOR_EVER = 1.0
"""Seconds: what takes longer is not waited for again."""
LINEAR = 8
"""So many times as long a text four times as long may take; by quadratic time it would be 16 times."""
LOCALS = {
    "delimiter": " ",
    "edge": ",",
    "cell": r'(?:^|(?<=[,\n\r])) *("(?:[^"]|"")*")',
    "blanks": "",
    "count": 5,
    "names": importlib.import_module("trayapp.sync.names"),
}
"""What patterns are put together from that are no module's own; anything else is taken for a word."""
SHORT = {
    "desktop/process/memory.py": "the system's own list of what is in memory",
    "desktop/machine/wifi": "a few lines of the system's own tool",
    "desktop/session/scheduled_task": "the system's own document of a task of ours",
}
"""What never meets anybody else's text."""


def patterns() -> Iterator[tuple[str, str | bytes, int, frozenset[str]]]:
    """Where, pattern, flags and how it is used, of all in the program."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.rglob("*.py"))}
    uses: dict[str, set[str]] = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                name = getattr(node.value, "attr", getattr(node.value, "id", ""))
                uses.setdefault(name, set()).add(node.attr)
    for path, tree in trees.items():
        place = path.relative_to(ROOT).as_posix()
        if any(place.startswith(each) for each in SHORT):
            continue
        names = {
            id(node.value): getattr(node.targets[0], "attr", getattr(node.targets[0], "id", ""))
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if getattr(node.func.value, "id", "") != "re" or node.func.attr not in METHODS | {"compile"}:
                continue
            pattern, flags = _evaluated(place, node)
            methods = frozenset({node.func.attr})
            if node.func.attr == "compile":
                methods = frozenset(uses.get(names.get(id(node), ""), METHODS))
            yield f"{place}:{node.lineno}", pattern, flags, methods


class _Names(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return vars(builtins)[name] if hasattr(builtins, name) else _Word("word")


class _Word(str):
    def __getattr__(self, name: str) -> "_Word":
        return _Word(name)


def _evaluated(place: str, node: ast.Call) -> tuple[str | bytes, int]:
    module = importlib.import_module("trayapp." + place.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    space = _Names({**vars(module), **LOCALS, "re": re})

    def value(part: ast.expr) -> Any:
        return eval(compile(ast.Expression(part), place, "eval"), {}, space)

    flags = [word.value for word in node.keywords if word.arg == "flags"]
    takes = {"sub": 4, "subn": 4, "split": 3}.get(getattr(node.func, "attr", ""), 2)
    flags += node.args[takes:] if takes > 2 else node.args[2 if getattr(node.func, "attr", "") != "compile" else 1 :]
    return value(node.args[0]), int(value(flags[0])) if flags else 0


def samples(parsed: Any) -> list[str]:
    """A few texts that the parsed pattern takes, as short as can be."""
    found = [""]
    for code, argument in parsed:
        found = [one + other for one in found[:4] for other in _of(str(code), argument)[:3]]
    return found


def _of(code: str, argument: Any) -> list[str]:
    match code:
        case "LITERAL":
            return [chr(argument)]
        case "NOT_LITERAL":
            return [chr(argument ^ 1)]
        case "ANY":
            return ["a"]
        case "IN":
            return [char for char in "a9 -\"'\\,.\n:/=<A_ü" if _is_in(argument, char)][:3] or [_first(argument)]
        case "BRANCH":
            return [each for part in argument[1] for each in samples(part)[:2]]
        case "SUBPATTERN":
            return samples(argument[3])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [each * max(1, argument[0]) for each in samples(argument[2])]
        case "ATOMIC_GROUP":
            return samples(argument)
        case _:
            return [""]


def _is_in(members: Any, char: str) -> bool:
    try:
        text = "".join(_class(member) for member in members)
        return re.fullmatch(f"[{text}]", char) is not None
    except (re.error, KeyError):
        return False


def _class(member: Any) -> str:
    code, argument = str(member[0]), member[1]
    if code == "NEGATE":
        return "^"
    if code == "LITERAL":
        return re.escape(chr(argument))
    if code == "RANGE":
        return f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
    kinds = {"DIGIT": "\\d", "NOT_DIGIT": "\\D", "SPACE": "\\s", "NOT_SPACE": "\\S", "WORD": "\\w", "NOT_WORD": "\\W"}
    return kinds[str(argument).removeprefix("CATEGORY_")]


def _first(members: Any) -> str:
    code, argument = str(members[0][0]), members[0][1]
    return chr(argument) if code == "LITERAL" else chr(argument[0]) if code == "RANGE" else "\x01"


def attacks(parsed: Any, before: tuple[str, ...] = ("",)) -> Iterator[tuple[str, str]]:
    """(what comes first, what is repeated) for each repetition in a parsed pattern."""
    so_far = before
    for item in parsed:
        code, argument = str(item[0]), item[1]
        if code in ("MAX_REPEAT", "MIN_REPEAT"):
            if argument[1] > 20:
                for unit in samples(argument[2])[:4]:
                    for first in so_far[:2]:
                        yield first, unit
                        yield "", first + unit
            yield from attacks(argument[2], so_far)
        elif code == "SUBPATTERN":
            yield from attacks(argument[3], so_far)
        elif code == "BRANCH":
            for part in argument[1]:
                yield from attacks(part, so_far)
        elif code in ("ASSERT", "ASSERT_NOT"):
            yield from attacks(argument[1], so_far)
        following = samples([item])
        so_far = tuple(one + other for one in so_far[:2] for other in following[:2])
        yield "", so_far[0]


def used(compiled: re.Pattern[Any], method: str, text: str | bytes) -> None:
    if method in ("sub", "subn"):
        compiled.sub(lambda _: text[:0], text)
    elif method == "finditer":
        for _ in compiled.finditer(text):
            pass
    else:
        getattr(compiled, method)(text)


def slowest(compiled: re.Pattern[Any], methods: frozenset[str]) -> str:
    """What makes the pattern slow; "" where nothing does."""
    is_text = isinstance(compiled.pattern, str)
    parsed = parser.parse(compiled.pattern, compiled.flags & ~(re.UNICODE if not is_text else 0))
    for first, unit in dict.fromkeys(pair for pair in attacks(parsed) if pair[1]):
        for last in ("", "\x00"):
            for length in LENGTHS:
                plain = first + unit * (length // len(unit)) + last
                text = plain if is_text else plain.encode("utf-8", "surrogatepass")
                for method in methods:
                    if _grows(compiled, method, text, text[: len(first)] + text[-length // 4 :]):
                        return f"{method}: {first!r} + {unit!r} * n + {last!r}"
    return ""


def _grows(compiled: re.Pattern[Any], method: str, text: str | bytes, short: str | bytes) -> bool:
    """Whether the text takes longer than it should by how long the short one takes; both are alike."""
    began = time.thread_time()
    used(compiled, method, text)
    once = time.thread_time() - began
    if once > FOR_EVER or once < AT_ONCE or quickest_cpu(lambda: used(compiled, method, text), AT_ONCE) < AT_ONCE:
        return once > FOR_EVER
    enough = LINEAR * max(quickest_cpu(lambda: used(compiled, method, short), 0), 1e-6)
    return quickest_cpu(lambda: used(compiled, method, text), enough) > enough


ALL = {place: (pattern, flags, methods) for place, pattern, flags, methods in patterns()}


@pytest.mark.parametrize("place", ALL)
def test_a_pattern_is_linear(place):
    pattern, flags, methods = ALL[place]
    assert slowest(re.compile(pattern, flags), methods) == ""


@pytest.mark.parametrize(
    ("pattern", "method"),
    [(r"(\w+)=(\d+)", "findall"), (r"(a+)+b", "match"), (r"\s+$", "search"), (r"<!--.*?-->", "search"),
     (rb"x*y", "search"), (r"(a|aa)+$", "match"), (r"a\s*b?\s*c", "match"), (r"[^a]*b", "search")],
)  # fmt: skip
def test_slow_patterns_are_seen(pattern, method):
    assert slowest(re.compile(pattern, re.DOTALL if isinstance(pattern, str) else 0), frozenset({method})) != ""
