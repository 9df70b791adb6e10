"""Reading a body: every error of it at once, each with its place (a JSON pointer), its rule and the cure.

msgspec reports the first error only and lets a duplicate key win, so the walk is our own, along `msgspec.inspect`'s picture of
the shape. A shape may have `check(parts, about)`, which is handed the fields that could be read, so that what is wrong between
fields (a window in the past, a second currency) is told together with what is wrong within them.
"""

from __future__ import annotations

import collections
import datetime as dt
import difflib
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Reference, Schema
from litestar.params import Body
from litestar.typing import FieldDefinition
from msgspec import inspect

from gateway.web.problems import ErrorItem, ProblemError

T = TypeVar("T")

LARGEST = 256 * 1024
_MOST_ERRORS = 100
_DEEPEST = 12
_SAFE_INTEGER = 2**53

# The readable fields of an object by their name in the Struct; what could not be read is absent.
Parts = Mapping[str, Any]


class Fault(msgspec.Struct, frozen=True):
    """One error of a body; `pointer` is relative to the Struct whose `check` found it."""

    pointer: str
    code: str
    detail: str


class Raw(Generic[T]):
    """A body as it came, to be read where its surroundings are known."""

    def __init__(self, content: bytes, content_type: str) -> None:
        self.content = content
        self.content_type = content_type

    def read(self, shape: type[T], about: Any = None) -> T:
        """The body as `shape`. Raises ProblemError: 415, 400 where it is no JSON, 422 with all its errors."""
        if self.content_type != "application/json":
            raise ProblemError("unsupported_media_type", f"{self.content_type or 'no content type'}: send application/json")
        return read(self.content, shape, about)


def read(content: bytes, shape: type[T], about: Any = None) -> T:
    """A JSON object as `shape`. Raises ProblemError `malformed`, or `invalid` with all its errors."""
    return read_part(parse(content), shape, about)


def read_part(part: Any, shape: type[T], about: Any = None, pointer: str = "") -> T:
    """A part of a body that was parsed already, which stands at `pointer`. Raises ProblemError `invalid` with all its errors."""
    reading = _Reading(about)
    found: T = reading.value(_picture(shape), part, pointer)
    refuse(reading.faults)
    return found


def _picture(shape: type) -> inspect.Type:
    """msgspec's picture of a shape, kept: it takes a millisecond to draw."""
    return _PICTURES.get(shape) or _PICTURES.setdefault(shape, inspect.type_info(shape))


_PICTURES: dict[type, inspect.Type] = {}


def under(pointer: str, faults: Iterator[Fault]) -> Iterator[Fault]:
    """The faults of a part, as seen from the whole."""
    return (msgspec.structs.replace(fault, pointer=pointer + fault.pointer) for fault in faults)


def refuse(faults: list[Fault]) -> None:
    """Raises ProblemError `invalid` where there are any."""
    if faults:
        errors = [ErrorItem(pointer=fault.pointer, code=fault.code, detail=fault.detail) for fault in faults[:_MOST_ERRORS]]
        raise ProblemError("invalid", errors=errors)


# --- JSON ------------------------------------------------------------------------------------------


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys came twice."""

    twice: frozenset[str] = frozenset()


def parse(content: bytes) -> Any:
    """The JSON value: msgspec refuses what is none (NaN, lone surrogates, half a body), the standard library shows doubled keys."""
    try:
        msgspec.json.decode(content)
        return json.loads(content, object_pairs_hook=_object)
    except RecursionError as error:
        raise ProblemError("malformed", "nested too deeply") from error
    except ValueError as error:
        raise ProblemError("malformed", "not JSON: " + str(error).partition(" - at")[0]) from error


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        times = collections.Counter(name for name, _ in pairs)
        found.twice = frozenset(name for name, number in times.items() if number > 1)
    return found


# --- the walk --------------------------------------------------------------------------------------


class _Unreadable:
    """What stands for a value that does not fit its place."""


_BAD = _Unreadable()


class _Reading:
    """One walk: `value` gives what stands at a place as its type, or _BAD after noting why not."""

    def __init__(self, about: Any) -> None:
        self.about = about
        self.faults: list[Fault] = []

    def bad(self, pointer: str, code: str, detail: str) -> _Unreadable:
        self.faults.append(Fault(pointer, code, detail))
        return _BAD

    def value(self, kind: Any, value: object, pointer: str) -> Any:
        return _READERS[type(kind)](self, kind, value, pointer)

    def struct(self, kind: inspect.StructType, value: object, pointer: str) -> Any:
        if not isinstance(value, dict):
            return self.wrong(value, "an object", pointer)
        sound = self._keys(kind, value, pointer)
        parts = {field.name: self._field(field, value, pointer) for field in kind.fields}
        readable = {name: part for name, part in parts.items() if part is not _BAD}
        check: Callable[[Parts, Any], Iterator[Fault]] | None = getattr(kind.cls, "check", None)
        if check:
            self.faults += under(pointer, check(readable, self.about))
        return kind.cls(**readable) if sound and len(readable) == len(parts) else _BAD

    def _keys(self, kind: inspect.StructType, value: dict[str, Any], pointer: str) -> bool:
        """Whether every key is known and came once."""
        known = [field.encode_name for field in kind.fields]
        strange = [name for name in value if name not in known]
        for name in strange:
            hint = _perhaps(name, known) if len(self.faults) < _MOST_ERRORS else ""
            self.bad(pointer + _token(name), "unknown_field", f"there is no such field here{hint}")
        return self._once_each(value, pointer) and not strange

    def _once_each(self, value: dict[str, Any], pointer: str) -> bool:
        twice = value.twice if isinstance(value, _Object) else frozenset()
        for name in sorted(twice):
            self.bad(pointer + _token(name), "duplicate_key", "is given twice: keep one")
        return not twice

    def _field(self, field: inspect.Field, value: dict[str, Any], pointer: str) -> Any:
        if field.encode_name in value:
            return self.value(field.type, value[field.encode_name], pointer + _token(field.encode_name))
        if field.required:
            return self.bad(pointer + _token(field.encode_name), "missing", "is missing")
        return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()

    def sequence(self, kind: inspect.ListType | inspect.VarTupleType, value: object, pointer: str) -> Any:
        if not isinstance(value, list):
            return self.wrong(value, "a list", pointer)
        if not self._fits(kind, len(value), "entries", pointer):
            return _BAD
        items = [self.value(kind.item_type, item, f"{pointer}/{place}") for place, item in enumerate(value)]
        return _BAD if _BAD in items else tuple(items)

    def mapping(self, kind: inspect.DictType, value: object, pointer: str) -> Any:
        if not isinstance(value, dict):
            return self.wrong(value, "an object", pointer)
        if not self._fits(kind, len(value), "entries", pointer):
            return _BAD
        single = self._once_each(value, pointer)
        names = [self.value(kind.key_type, name, pointer + _token(name)) for name in value]
        items = {name: self.value(kind.value_type, item, pointer + _token(name)) for name, item in value.items()}
        return items if single and _BAD not in names and _BAD not in items.values() else _BAD

    def text(self, kind: Any, value: object, pointer: str, form: str = "") -> Any:
        if not isinstance(value, str):
            return self.wrong(value, "text", pointer)
        kept = "" if kind.pattern else "\n\t"
        if any(ord(letter) < 32 and letter not in kept for letter in value):
            return self.bad(pointer, "control_character", "has a control character in it")
        if kind.min_length and not value.strip():
            return self.bad(pointer, "too_short", "is empty")
        if not self._fits(kind, len(value), "characters", pointer):
            return _BAD
        if kind.pattern and not _compiled(kind.pattern).search(value):
            return self.bad(pointer, "invalid_format", f"must be {form or kind.pattern}")
        return value

    def _fits(self, kind: Any, length: int, what: str, pointer: str) -> bool:
        least, most = kind.min_length or 0, kind.max_length
        if length < least:
            self.bad(pointer, "too_short", f"has {length} {what}, at least {least} are needed")
        elif most is not None and length > most:
            self.bad(pointer, "too_long", f"has {length} {what}, at most {most} are taken")
        return least <= length and (most is None or length <= most)

    def number(self, kind: inspect.IntType | inspect.FloatType, value: object, pointer: str) -> Any:
        whole = isinstance(kind, inspect.IntType)
        if whole and isinstance(value, float) and value.is_integer():
            value = int(value)  # to JSON Schema 39.0 is a whole number
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return self.wrong(value, "a whole number" if whole else "a number", pointer)
        if kind.ge is not None and value < kind.ge:
            return self.bad(pointer, "too_small", f"is {value}, at least {kind.ge} is needed")
        if kind.le is not None and value > kind.le:
            return self.bad(pointer, "too_large", f"is {value}, at most {kind.le} is taken")
        return value if whole else float(value)

    def flag(self, kind: inspect.BoolType, value: object, pointer: str) -> Any:
        return value if isinstance(value, bool) else self.wrong(value, "true or false", pointer)

    def choice(self, kind: inspect.EnumType | inspect.LiteralType, value: object, pointer: str) -> Any:
        options = [str(member) for member in kind.cls] if isinstance(kind, inspect.EnumType) else list(kind.values)
        if not isinstance(value, str) or value not in options:
            return self.bad(pointer, "not_one_of", f"is none of {', '.join(map(str, options))}")
        return kind.cls(value) if isinstance(kind, inspect.EnumType) else value

    def moment(self, kind: inspect.DateType | inspect.DateTimeType, value: object, pointer: str) -> Any:
        form: type = dt.date if isinstance(kind, inspect.DateType) else dt.datetime
        words = "a date such as 2026-11-25" if form is dt.date else "a time such as 2026-11-25T10:00:00Z, with its offset"
        if not isinstance(value, str):
            return self.wrong(value, words, pointer)
        try:
            return msgspec.convert(value, Annotated[dt.datetime, msgspec.Meta(tz=True)] if form is dt.datetime else form)
        except msgspec.ValidationError:
            return self.bad(pointer, "invalid_format", f"is not {words}")

    def optional(self, kind: inspect.UnionType, value: object, pointer: str) -> Any:
        """The unions of our shapes are of one type and null."""
        inner = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
        return None if value is None else self.value(inner, value, pointer)

    def described(self, kind: inspect.Metadata, value: object, pointer: str) -> Any:
        """A type with words about it; for text with a pattern `extra["form"]` says the pattern in words."""
        form = (kind.extra or {}).get("form", "")
        return self.text(kind.type, value, pointer, form) if form else self.value(kind.type, value, pointer)

    def anything(self, kind: inspect.AnyType, value: object, pointer: str) -> Any:
        if _too_deep(value, _DEEPEST):
            return self.bad(pointer, "too_deep", f"is nested more than {_DEEPEST} levels deep")
        if any(isinstance(one, int) and abs(one) > _SAFE_INTEGER for one in _leaves(value)):
            return self.bad(pointer, "too_large", "has a whole number beyond 2^53: send it as text")
        return value

    def unread(self, kind: inspect.RawType, value: object, pointer: str) -> Any:
        """A part that is read by itself."""
        return value

    def wrong(self, value: object, wanted: str, pointer: str) -> _Unreadable:
        return self.bad(pointer, "wrong_type", f"is {_JSON_TYPES.get(type(value), 'something else')}, must be {wanted}")


_JSON_TYPES: dict[type, str] = {
    _Object: "an object",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}

_READERS: dict[type, Callable[[_Reading, Any, object, str], Any]] = {
    inspect.StructType: _Reading.struct,
    inspect.ListType: _Reading.sequence,
    inspect.VarTupleType: _Reading.sequence,
    inspect.DictType: _Reading.mapping,
    inspect.StrType: _Reading.text,
    inspect.IntType: _Reading.number,
    inspect.FloatType: _Reading.number,
    inspect.BoolType: _Reading.flag,
    inspect.EnumType: _Reading.choice,
    inspect.LiteralType: _Reading.choice,
    inspect.DateType: _Reading.moment,
    inspect.DateTimeType: _Reading.moment,
    inspect.UnionType: _Reading.optional,
    inspect.Metadata: _Reading.described,
    inspect.AnyType: _Reading.anything,
    inspect.RawType: _Reading.unread,
}


def _token(name: str) -> str:
    """One step of a JSON pointer (RFC 6901), cut where a key is absurdly long."""
    return "/" + name[:120].replace("~", "~0").replace("/", "~1")


def _perhaps(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)  # digits as JSON Schema means them


def _too_deep(value: object, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left == 0 or any(_too_deep(item, left - 1) for item in inner)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


# --- as Litestar takes it --------------------------------------------------------------------------


class RawBody(AbstractDTO[Any]):
    """Hands a handler its body unread; in the contract it is documented as its shape."""

    @classmethod
    def create_for_field_definition(cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None) -> None:
        """Nothing to prepare."""

    @classmethod
    def create_openapi_schema(cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any) -> Reference | Schema:
        found: Reference | Schema = schema_creator.for_field_definition(field_definition.inner_types[0])
        return found

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        return iter(())

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False

    def decode_bytes(self, value: bytes) -> Any:
        content_type = self.asgi_connection.headers.get("content-type", "")
        self.asgi_connection.scope["state"]["content"] = value  # for the audit log: the names of its outer fields
        return Raw[Any](value, content_type.partition(";")[0].strip().lower())


JsonBody: TypeAlias = Annotated[Raw[T], Body(media_type=RequestEncodingType.JSON)]
