"""Good replies made bad, by dice: fields dropped, doubled, retyped, moved; bytes cut, packed, written otherwise; replies swapped.

Every mutant is a whole HTTP reply as it would come over the wire, packed body and all. The same dice make the same mutants.
"""

from __future__ import annotations

import copy
import gzip
import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec
from lxml import etree

from tests.contract.stage import Exchange

Place = tuple[str | int, ...]

_GONE = object()
_LONG = 200_000
_DEEP = 3_000  # a whole reply
_DEEP_VALUE = 100
_BOMB = 40 * 1024 * 1024  # unpacked; several times what a reply may hold


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One reply: how it was made, and what goes over the wire."""

    how: str
    body: bytes
    status: int
    headers: Mapping[str, str]


def mutant(good: Exchange, others: Sequence[Exchange], dice: Random) -> Mutant:
    """One mutant of a good reply, by one of the ways it can go wrong; `others` are replies to swap it for."""
    how = dice.choice(sorted(_WAYS))
    return _WAYS[how](_plain(good, how), others, dice)


def _plain(good: Exchange, how: str) -> Mutant:
    kind = good.response.headers["content-type"]
    return Mutant(how=how, body=good.response.content, status=good.response.status_code, headers={"content-type": kind})


# --- fields ------------------------------------------------------------------------------------------


def _as_another_type(value: Any) -> Any:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 30 else [value]
    return str(value) if isinstance(value, int | float) else json.dumps(value)


def _huge(value: Any) -> Any:
    if isinstance(value, str):
        return (value or "9") * (_LONG // (len(value) or 1))
    return value * 500 if isinstance(value, list) else 10**400


def _deep(value: Any) -> Any:
    for _ in range(_DEEP_VALUE):
        value = {"value": value}
    return value


_ARABIC = {48 + digit: 0x660 + digit for digit in range(10)}

# What can become of one value.
SPOILS: Mapping[str, Callable[[Any], Any]] = {
    "dropped": lambda value: _GONE,
    "null": lambda value: None,
    "retyped": _as_another_type,
    "the opposite": lambda value: not value if isinstance(value, bool) else value,
    "true": lambda value: True,
    "false": lambda value: False,
    "zero": lambda value: 0,
    "below zero": lambda value: -1,
    "not a number": lambda value: float("nan"),
    "empty": lambda value: "",
    "blank": lambda value: " \t",
    "no entries": lambda value: [],
    "no fields": lambda value: {},
    "in a list": lambda value: [value],
    "in an object": lambda value: {"value": value},
    "entries twice": lambda value: value + value if isinstance(value, list) else value,
    "backwards": lambda value: value[::-1] if isinstance(value, str | list) else value,
    "another case": lambda value: value.swapcase() if isinstance(value, str) else value,
    "null bytes": lambda value: f"{value}\0" if isinstance(value, str) else "\0",
    "a lone surrogate": lambda value: f"{value}\ud800",
    "strange digits": lambda value: value.translate(_ARABIC) if isinstance(value, str) else value,
    "huge": _huge,
    "deep": _deep,
}


def _places(tree: Any) -> list[Place]:
    """Every value within, not the whole."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in inner for place in ((key,), *((key, *deeper) for deeper in _places(value)))]


def _changed(tree: Any, place: Place, spoil: Callable[[Any], Any]) -> Any:
    """A copy with the value at `place` spoilt."""
    if not place:
        return spoil(tree)
    key, rest, tree = place[0], place[1:], copy.copy(tree)
    value = _changed(tree[key], rest, spoil)
    if value is _GONE:
        del tree[key]
    else:
        tree[key] = value
    return tree


def _spoil_fields(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """One to three values spoilt."""
    if _is_xml(plain.body):
        return _again(plain, _spoilt_xml(plain.body, dice))
    tree = _json(plain.body)
    for _ in range(dice.randint(1, 3)):
        places = _places(tree)
        if not places:
            break
        tree = _changed(tree, dice.choice(places), SPOILS[dice.choice(sorted(SPOILS))])
    return _again(plain, _written(tree)) if tree is not None else _scramble(plain, others, dice)


def _written(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _json(body: bytes) -> Any:
    """The reply's tree; None for what is no JSON (a PDF)."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _is_xml(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _again(plain: Mutant, body: bytes, **changes: Any) -> Mutant:
    return msgspec.structs.replace(plain, body=body, **changes)


def _reorder(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """The same fields in another order: still a good reply, unless a list's order means something."""
    if _is_xml(plain.body):
        root = etree.fromstring(plain.body)
        for element in root.iter():
            element[:] = dice.sample(list(element), len(element))
        return _again(plain, etree.tostring(root))
    return _again(plain, _written(_shuffled(_json(plain.body), dice))) if _json(plain.body) is not None else plain


def _shuffled(tree: Any, dice: Random) -> Any:
    if isinstance(tree, dict):
        return {key: _shuffled(tree[key], dice) for key in dice.sample(list(tree), len(tree))}
    return [_shuffled(one, dice) for one in dice.sample(tree, len(tree))] if isinstance(tree, list) else tree


_FIELD = re.compile(rb'("[A-Za-z_]+"\s*:\s*)("(?:[^"\\]|\\.)*"|true|false|null|-?[0-9.]+)')
_VALUES = (b"true", b"false", b"null", b'""', b"0", b'"Success"', b'"Fail"', b'"X1"', b"[]", b"{}")


def _double(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """A field twice, the second time with the same or another value, before or behind the first."""
    if _is_xml(plain.body):
        return _again(plain, _doubled_xml(plain.body, dice))
    found = list(_FIELD.finditer(plain.body))
    if not found:
        return _scramble(plain, others, dice)
    field = dice.choice(found)
    other = field[1] + dice.choice((*_VALUES, field[2]))
    both = (field[0], other) if dice.random() < 0.5 else (other, field[0])
    return _again(plain, plain.body[: field.start()] + b",".join(both) + plain.body[field.end() :])


# --- elements ----------------------------------------------------------------------------------------

_NO_GUID = "00000000-0000-0000-0000-000000000000"
_TEXTS = ("", " ", "true", "false", "TRUE", "yes", "0", "1", "null", "-1", "ERR70", "9" * 5000, "\u0664", _NO_GUID)


def _spoilt_xml(body: bytes, dice: Random) -> bytes:
    """One to three elements lost, emptied, buried, renamed, moved or given another text."""
    root = etree.fromstring(body)
    for _ in range(dice.randint(1, 3)):
        inner = [element for element in root.iter() if element.getparent() is not None]
        if inner:
            dice.choice(_XML_SPOILS)(dice.choice(inner), dice)
    return bytes(etree.tostring(root))


def _lose(element: etree._Element, dice: Random) -> None:
    element.getparent().remove(element)


def _empty(element: etree._Element, dice: Random) -> None:
    element.clear()


def _say(element: etree._Element, dice: Random) -> None:
    element.text = dice.choice(_TEXTS)


def _bury(element: etree._Element, dice: Random) -> None:
    parent = element.getparent()
    parent.remove(element)
    etree.SubElement(parent, "extra").append(element)


def _rename(element: etree._Element, dice: Random) -> None:
    name = etree.QName(element)
    element.tag = dice.choice((f"{{{name.namespace}}}{name.localname}Old", name.localname, f"{{urn:other}}{name.localname}"))


def _nil(element: etree._Element, dice: Random) -> None:
    element.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")


def _retype(element: etree._Element, dice: Random) -> None:
    element.set("{http://www.w3.org/2001/XMLSchema-instance}type", "a:Nothing")


_XML_SPOILS = (_lose, _lose, _empty, _say, _say, _say, _bury, _rename, _nil, _retype)


def _doubled_xml(body: bytes, dice: Random) -> bytes:
    """An element twice, the second time with the same or another text, before or behind the first."""
    root = etree.fromstring(body)
    inner = [element for element in root.iter() if element.getparent() is not None]
    element = dice.choice(inner)
    twin = copy.deepcopy(element)
    if dice.random() < 0.5:
        twin.text = dice.choice(_TEXTS)
    (element.addnext if dice.random() < 0.5 else element.addprevious)(twin)
    return bytes(etree.tostring(root))


# --- bytes -------------------------------------------------------------------------------------------


def _cut(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    return _again(plain, plain.body[: dice.randrange(len(plain.body))])


def _scramble(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """Some bytes lost, doubled or replaced."""
    start, length = dice.randrange(len(plain.body)), dice.randint(1, 30)
    middle = plain.body[start : start + length]
    instead = dice.choice((b"", middle * 2, b"\0", b"\xff\xfe", b"<", b"{", b'"', b"]]>", b"&x;", dice.randbytes(length)))
    return _again(plain, plain.body[:start] + instead + plain.body[start + length :])


_WRITINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp037")


def _rewrite(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """The same text in another encoding, whatever the headers say."""
    writing = dice.choice(_WRITINGS)
    text = plain.body.decode("utf-8", "replace")
    return _again(plain, text.encode(writing, "replace"), how=f"{plain.how}: {writing}")


def _surround(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """Something before or behind, or all of it twice."""
    noise = dice.choice((b"Notice: undefined index\n", b"\xef\xbb\xbf", b"\0", b"<!-- branch 7 -->", b"\n{}", b"callback(", b" "))
    return _again(plain, dice.choice((noise + plain.body, plain.body + noise, plain.body * 2)))


def _label_otherwise(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """Another content type or status."""
    kind = dice.choice(("text/html", "application/json", "text/xml; charset=utf-16", "application/octet-stream", "", "x" * 5000))
    status = dice.choice((200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 403, 404, 409, 418, 422, 451, 500, 502, 503, 599))
    if dice.random() < 0.5:
        return _again(plain, plain.body, headers={"content-type": kind})
    return _again(plain, plain.body, status=status, how=f"{plain.how}: {status}")


def _bomb(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """Small on the wire, large when unpacked; or packed otherwise than it is said to be."""
    packing = dice.choice(("gzip", "deflate", "a lie", "zeros behind"))
    if packing == "a lie":
        return _packed(plain, plain.body, dice.choice(("gzip", "deflate", "br", "zstd")))
    if packing == "zeros behind":
        return _packed(plain, gzip.compress(plain.body + b" " * dice.randrange(_BOMB), 1), "gzip")
    return _packed(plain, _BOMB_GZIP if packing == "gzip" else _BOMB_DEFLATE, packing)


def _packed(plain: Mutant, body: bytes, packing: str) -> Mutant:
    return _again(plain, body, headers={**plain.headers, "content-encoding": packing})


_BOMB_GZIP = gzip.compress(b"\0" * _BOMB, 1)
_BOMB_DEFLATE = zlib.compress(b" " * _BOMB, 1)


def _explode(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """Text that grows when read: entities that name entities, files from outside, nests without an end."""
    doctype = dice.choice(_DOCTYPES)
    if _is_xml(plain.body):
        head, mark, rest = plain.body.partition(b"?>") if plain.body.startswith(b"<?xml") else (b"", b"", plain.body)
        return _again(plain, head + mark + doctype + rest.replace(b">false<", dice.choice((b">&c;<", b">&x;<", b">false<"))))
    nest = b"[" * _DEEP
    nests = (nest, b'{"a":' * _DEEP, nest + plain.body + b"]" * _DEEP, doctype + b"<r>true</r>")
    return _again(plain, dice.choice(nests))


_TEN_LOLS = b'<!ENTITY a "' + b"lol" * 10 + b'">'
_DOCTYPES = (
    b"<!DOCTYPE r [" + _TEN_LOLS + b'<!ENTITY b "' + b"&a;" * 10 + b'"><!ENTITY c "' + b"&b;" * 10 + b'">]>',
    b'<!DOCTYPE r SYSTEM "http://169.254.169.254/latest">',
    b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    b"<!DOCTYPE html>",
)


# --- somebody else's -----------------------------------------------------------------------------------


def _swap(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """The reply to another question: of another operation, of another booking, of another carrier."""
    other = dice.choice(others)
    return Mutant(
        how=f"{plain.how}: {other.carrier} {other.name}",
        body=other.response.content,
        status=other.response.status_code,
        headers={"content-type": other.response.headers["content-type"]},
    )


def _answer_another(plain: Mutant, others: Sequence[Exchange], dice: Random) -> Mutant:
    """Some words of the reply replaced by those of another booking: long runs of letters and digits, one or all of them."""
    words = sorted(set(re.findall(rb"[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]{6,}", plain.body)))
    if not words:
        return _scramble(plain, others, dice)
    word = dice.choice(words)
    theirs = word[:-1] + (b"1" if word[-1:] != b"1" else b"2")
    return _again(plain, plain.body.replace(word, theirs, dice.choice((1, -1))))


_Way = Callable[[Mutant, Sequence[Exchange], Random], Mutant]

_WAYS: Mapping[str, _Way] = {
    "fields": _spoil_fields,
    "fields again": _spoil_fields,
    "fields once more": _spoil_fields,
    "doubled": _double,
    "doubled again": _double,
    "reordered": _reorder,
    "cut": _cut,
    "scrambled": _scramble,
    "rewritten": _rewrite,
    "surrounded": _surround,
    "labelled otherwise": _label_otherwise,
    "packed": _bomb,
    "exploding": _explode,
    "swapped": _swap,
    "about another": _answer_another,
}
