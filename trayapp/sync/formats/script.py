"""JSON within a script: as what a function is called with (JSONP), or what a variable is set to."""

import re

_NAME = rb"[\w$]+(?:\.[\w$]+|\[[\"'][\w$.-]+[\"']\])*"
_START = re.compile(
    rb"\s*+(?:/\*[^*]{0,1000}+\*/\s*+|//[^\r\n]{0,1000}+\s*+)*+(?:[\"']use strict[\"'];\s*)?"
    rb"(?:(?:typeof\s+" + _NAME + rb"\s*===?\s*[\"']function[\"']\s*&&\s*)?" + _NAME + rb"\s*(\()"
    rb"|(?:(?:export\s+)?(?:var|let|const)\s+)?" + _NAME + rb"\s*=|export\s+default\b)\s*(?=[\[{])"
)


def data(body: bytes) -> bytes | None:
    """The JSON in a text that is such a script and nothing else; None for any other text."""
    found = _START.match(body[:4096])
    if found is None:
        return None
    inner = body[found.end() :].rstrip().removesuffix(b";").rstrip()
    if found[1]:
        if not inner.endswith(b")"):
            return None
        inner = inner[:-1].rstrip()
    return inner if inner[-1:] in (b"]", b"}") else None
