"""Which route a call takes: exact paths (and their SOAPAction) by dictionary, patterns with {names} by regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from adapters.lab.side import Route

_NAME = re.compile(r"\{(\w+)\}")


class Router:
    def __init__(self, routes: Iterable[Route]) -> None:
        routes = tuple(routes)
        self._plain = {(r.method, r.pattern, r.action): r for r in routes if "{" not in r.pattern}
        self._patterns = [(r.method, _compiled(r.pattern), r) for r in routes if "{" in r.pattern]

    def find(self, method: str, path: str, action: str = "") -> tuple[Route, Mapping[str, str]] | None:
        """The route and the path's parameters (decoded), or None. A route without an action takes every one."""
        plain = self._plain.get((method, path, action)) or self._plain.get((method, path, ""))
        if plain:
            return plain, {}
        for verb, pattern, route in self._patterns:
            found = pattern.fullmatch(path) if verb == method else None
            if found:
                return route, {name: unquote(text) for name, text in found.groupdict().items()}
        return None


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = _NAME.split(pattern)  # text, name, text, name, ... text
    return re.compile("".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts)))
