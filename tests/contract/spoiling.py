"""Good replies made bad: values dropped, retyped, doubled, nested, blown up or out of order; bytes cut, moved or written otherwise.

What a reply says is never replaced by something else that could be true: nobody could tell.
"""

from __future__ import annotations

import copy
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

Place = tuple[str | int, ...]

_GONE = object()
_HUGE = 20_000
_DEEP = 300


def _as_another_type(value: Any) -> Any:
    """A number as text, a text of digits as a number; anything else in a list."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return str(value)
    return int(value) if isinstance(value, str) and value.isdecimal() and value[0] != "0" and len(value) < 4000 else [value]


def _huge(value: Any) -> Any:
    """As often as fits into `_HUGE` characters."""
    times = _HUGE // (len(json.dumps(value)) + 8) + 1
    if isinstance(value, str | list):
        return (value or ["x"]) * times
    return 10**30 if isinstance(value, int | float) else {str(number): value for number in range(times)}


def _deep(value: Any) -> Any:
    for _ in range(_DEEP):
        value = [value]
    return value


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return dict(reversed(value.items()))
    return value[::-1] if isinstance(value, list) else None


# What can happen to one value.
SPOILS: Mapping[str, Callable[[Any], Any]] = {
    "dropped": lambda value: _GONE,
    "null": lambda value: None,
    "true": lambda value: True,
    "false": lambda value: False,
    "zero": lambda value: 0,
    "below zero": lambda value: -1,
    "blank": lambda value: " ",
    "empty": lambda value: "",
    "no entries": lambda value: [],
    "no fields": lambda value: {},
    "retyped": _as_another_type,
    "in a list": lambda value: [value],
    "in an object": lambda value: {"value": value},
    "doubled": lambda value: value + value if isinstance(value, list) else [value, value],
    "huge": _huge,
    "deep": _deep,
    "reversed": _reversed,
}


def places(tree: Any) -> Iterator[Place]:
    """Where there is a value: the whole, and every field and entry within."""
    yield ()
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        for place in places(value):
            yield (key, *place)


def changed(tree: Any, place: Place, spoil: Callable[[Any], Any]) -> Any:
    """The tree with the value at `place` spoilt; a place that is no more is left alone."""
    if not place:
        return spoil(tree)
    key, rest = place[0], place[1:]
    if isinstance(tree, dict) and key in tree:
        value = changed(tree[key], rest, spoil)
        return {name: value if name == key else old for name, old in tree.items() if name != key or value is not _GONE}
    if isinstance(tree, list) and isinstance(key, int) and key < len(tree):
        value = changed(tree[key], rest, spoil)
        return [*tree[:key], *([] if value is _GONE else [value]), *tree[key + 1 :]]
    return tree


@st.composite
def spoilt_values(draw: st.DrawFn, good: Any) -> Any:
    """One to three values spoilt."""
    tree = good
    for place in draw(st.lists(st.sampled_from(tuple(places(good))), min_size=1, max_size=3)):
        after = changed(tree, place, SPOILS[draw(st.sampled_from(tuple(SPOILS)))])
        tree = None if after is _GONE else after
    return tree


# How the same text can come over the wire.
WRITINGS: Mapping[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(errors="replace"),
    "with a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(errors="replace"),
    "utf-16": lambda text: text.encode("utf-16", errors="replace"),
    "latin-1": lambda text: text.encode("latin-1", errors="replace"),
    "with something behind": lambda text: text.encode(errors="replace") + b"\n<!-- served by branch 7 -->",
    "with something before": lambda text: b"Notice: undefined index\n" + text.encode(errors="replace"),
    "twice": lambda text: text.encode(errors="replace") * 2,
}


def spoilt_json(good: bytes) -> st.SearchStrategy[bytes]:
    """A JSON reply with spoilt values, in any writing."""
    texts = spoilt_values(json.loads(good)).map(lambda value: json.dumps(value, ensure_ascii=False))
    return st.builds(lambda text, write: WRITINGS[write](text), texts, st.sampled_from(tuple(WRITINGS)))


# What can happen to one element of an XML reply.
def _lose(parent: ET.Element, child: ET.Element) -> None:
    parent.remove(child)


def _double(parent: ET.Element, child: ET.Element) -> None:
    parent.append(copy.deepcopy(child))


def _empty(parent: ET.Element, child: ET.Element) -> None:
    child.clear()


def _silence(parent: ET.Element, child: ET.Element) -> None:
    child.text = " "


def _bury(parent: ET.Element, child: ET.Element) -> None:
    parent.remove(child)
    ET.SubElement(parent, "extra").append(child)


def _rename(parent: ET.Element, child: ET.Element) -> None:
    child.tag = f"{child.tag}Old"


def _move_last(parent: ET.Element, child: ET.Element) -> None:
    parent.remove(child)
    parent.append(child)


def _say(text: str) -> Callable[[ET.Element, ET.Element], None]:
    def say(parent: ET.Element, child: ET.Element) -> None:
        child.text = text

    return say


XML_SPOILS: Mapping[str, Callable[[ET.Element, ET.Element], None]] = {
    "lost": _lose,
    "doubled": _double,
    "empty": _empty,
    "blank": _silence,
    "one deeper": _bury,
    "renamed": _rename,
    "last": _move_last,
    "true": _say("true"),
    "TRUE": _say("TRUE"),
    "zero": _say("0"),
    "null": _say("null"),
    "huge": _say("9" * _HUGE),
}


@st.composite
def _spoilt_tree(draw: st.DrawFn, good: bytes) -> str:
    """One to three elements spoilt."""
    root = ET.fromstring(good)
    for _ in range(draw(st.integers(1, 3))):
        pairs = [(parent, child) for parent in root.iter() for child in parent]
        if pairs:
            XML_SPOILS[draw(st.sampled_from(tuple(XML_SPOILS)))](*draw(st.sampled_from(pairs)))
    return ET.tostring(root, encoding="unicode")


def spoilt_xml(good: bytes) -> st.SearchStrategy[bytes]:
    """An XML reply with spoilt elements, in any writing."""
    return st.builds(lambda text, write: WRITINGS[write](text), _spoilt_tree(good), st.sampled_from(tuple(WRITINGS)))


def spoilt(good: bytes) -> st.SearchStrategy[bytes]:
    """By what the reply is: JSON, XML, or bytes."""
    if good.lstrip().startswith(b"<"):
        return spoilt_xml(good)
    return spoilt_json(good) if good.lstrip()[:1] in (b"{", b"[", b'"') else scrambled(good)


def cut(good: bytes) -> st.SearchStrategy[bytes]:
    """Everything but the end."""
    return st.integers(0, len(good) - 1).map(lambda length: good[:length])


@st.composite
def scrambled(draw: st.DrawFn, good: bytes) -> bytes:
    """Bytes lost, doubled or changed somewhere."""
    start, length = draw(st.integers(0, len(good) - 1)), draw(st.integers(1, 40))
    before, middle, after = good[:start], good[start : start + length], good[start + length :]
    return before + draw(st.sampled_from([b"", middle * 2, middle[::-1], b"\xff\x00", b'"', b"<", b"{", b"9" * 5000])) + after
