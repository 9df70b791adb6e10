"""A trimmed WSDL against the whole one: what is kept must be the same, and enough, and no more.

Documents are compared as their meaning: QNames resolved, defaults filled in, prefixes, order of components, comments and policies
left out.
"""

from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_POLICY = "{http://schemas.xmlsoap.org/ws/2004/09/policy}"

_NAMES = frozenset({"type", "base", "ref", "message", "binding", "element"})  # attributes that hold a QName
_DEFAULTS = {
    f"{XS}element": {"minOccurs": "1", "maxOccurs": "1", "nillable": "false"},
    f"{XS}schema": {"elementFormDefault": "unqualified", "attributeFormDefault": "unqualified"},
}
_LEFT_OUT = frozenset({f"{XS}annotation", f"{XS}import", f"{_POLICY}PolicyReference"})

Key = tuple[str, ...]


class Unreadable(Exception):
    """Not a description whose parts have one meaning each."""


def meanings(document: bytes) -> dict[Key, str]:
    """Every part of a description (or schema) by its kind and name, as one comparable text."""
    try:
        root = etree.fromstring(document, etree.XMLParser(remove_comments=True, remove_blank_text=True))
    except etree.XMLSyntaxError as error:
        raise Unreadable(str(error)) from error
    found: dict[Key, str] = {}
    for key, meaning in _parts(root):
        if key in found:
            raise Unreadable(f"{key} comes twice")
        found[key] = meaning
    return found


def _parts(root: etree._Element) -> Iterator[tuple[Key, str]]:
    for schema in [root] if root.tag == f"{XS}schema" else root.iter(f"{XS}schema"):
        yield from _of_schema(schema)
    if root.tag != f"{WSDL}definitions":
        return
    yield ("definitions",), _head(root)
    for child in root:
        kind = etree.QName(child).localname
        if child.tag == f"{WSDL}message":
            yield (kind, _name(child)), _meaning(child)
        elif child.tag in (f"{WSDL}portType", f"{WSDL}binding", f"{WSDL}service"):
            yield from _of_container(kind, child)
        elif child.tag not in (f"{WSDL}types", f"{_POLICY}Policy"):
            raise Unreadable(f"a {kind} among the definitions")
    yield ("types",), str([[etree.QName(one).localname for one in types] for types in root.findall(f"{WSDL}types")])


def _of_schema(schema: etree._Element) -> Iterator[tuple[Key, str]]:
    namespace = schema.get("targetNamespace", "")
    yield ("schema", namespace), str(sorted(_attributes(schema)))
    for child in schema:
        if child.tag not in _LEFT_OUT:
            yield (etree.QName(child).localname, namespace, _name(child)), _meaning(child)


def _of_container(kind: str, container: etree._Element) -> Iterator[tuple[Key, str]]:
    """A port type, binding or service: itself, and each operation or port in it."""
    inner = [child for child in container if child.tag in (f"{WSDL}operation", f"{WSDL}port")]
    rest = [_meaning(child) for child in container if child not in inner and child.tag not in _LEFT_OUT]
    yield (kind, _name(container)), str((_head(container), rest))
    for child in inner:
        yield (kind, _name(container), _name(child)), _meaning(child)


def _name(element: etree._Element) -> str:
    if not element.get("name"):
        raise Unreadable(f"a {etree.QName(element).localname} without a name")
    return str(element.get("name"))


def _meaning(element: etree._Element) -> str:
    inner = [_meaning(child) for child in element if child.tag not in _LEFT_OUT]
    return str((_head(element), inner))


def _head(element: etree._Element) -> str:
    return str((element.tag, sorted(_attributes(element)), (element.text or "").strip()))


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    given = {name: _resolved(element, value) if name in _NAMES else value for name, value in element.attrib.items()}
    return list((_DEFAULTS.get(element.tag, {}) | given).items())


def _resolved(element: etree._Element, name: str) -> str:
    prefix, _, local = name.rpartition(":")
    namespace = element.nsmap.get(prefix or None)
    if namespace is None:
        raise Unreadable(f"{name}: no such prefix")
    return f"{{{namespace}}}{local}"


# --- the check ------------------------------------------------------------------------------------


def faults(trimmed: bytes, whole: Mapping[Key, str], operations: Iterable[str]) -> list[str]:
    """What is wrong with a trimmed description: empty for one that is the same, enough and no more."""
    try:
        ours = meanings(trimmed)
        root = etree.fromstring(trimmed)
        needed = _needed(root, operations)
        imports = _missing_imports(root)
    except Unreadable as error:
        return [str(error)]
    differing = [f"{key} is otherwise" for key, meaning in ours.items() if key[0] != "types" and whole.get(key) != meaning]
    absent = [f"{key} is missing" for key in sorted(needed - ours.keys())]
    more = [f"{key} is not needed" for key in sorted(ours.keys() - needed) if key[0] not in ("definitions", "types", "schema")]
    return [*differing, *absent, *more, *imports, *_shape(ours)]


def _shape(ours: Mapping[Key, str]) -> list[str]:
    """One `types`, which holds schemas and nothing else."""
    schemas = [key for key in ours if key[0] == "schema"]
    return [] if ours.get(("types",)) == str([["schema"] * len(schemas)]) else ["not one types of schemas"]


def _needed(root: etree._Element, operations: Iterable[str]) -> set[Key]:
    """What these operations lead to, from the one service's one port down to the last type."""
    port = root.find(f"{WSDL}service/{WSDL}port")
    if port is None:
        raise Unreadable("no port")
    service, binding = _name(port.getparent()), _local(port, "binding")
    bound = root.find(f"{WSDL}binding[@name='{binding}']")
    if bound is None:
        raise Unreadable("a port without its binding")
    interface = _local(bound, "type")
    needed: set[Key] = {("service", service), ("service", service, _name(port)), ("binding", binding), ("portType", interface)}
    for operation in operations:
        needed |= {("binding", binding, operation), ("portType", interface, operation)}
        for message in _messages(root, interface, operation):
            needed |= {("message", message)} | _reached(root, _parts_of(root, message))
    return needed


def _local(element: etree._Element, attribute: str) -> str:
    return _resolved(element, element.get(attribute) or "").rpartition("}")[2]


def _messages(root: etree._Element, interface: str, operation: str) -> list[str]:
    found = root.findall(f"{WSDL}portType[@name='{interface}']/{WSDL}operation[@name='{operation}']/*")
    if [child.tag for child in found] != [f"{WSDL}input", f"{WSDL}output"]:
        raise Unreadable(f"{operation} without its input and output")
    return [_local(child, "message") for child in found]


def _parts_of(root: etree._Element, message: str) -> list[str]:
    parts = root.findall(f"{WSDL}message[@name='{message}']/{WSDL}part")
    if len(parts) != 1 or not parts[0].get("element"):
        raise Unreadable(f"{message} without its part")
    return [_resolved(parts[0], parts[0].get("element"))]


def _reached(root: etree._Element, names: list[str]) -> set[Key]:
    """Schema components by name ("{namespace}name"), and all they refer to."""
    found: set[Key] = set()
    while names:
        name = names.pop()
        component = _component(root, name)
        key = (etree.QName(component).localname, name[1:].partition("}")[0], name.partition("}")[2])
        if key in found:
            continue
        found.add(key)
        names += [named for named in _references(component) if not named.startswith(XS)]
    return found


def _component(root: etree._Element, name: str) -> etree._Element:
    namespace, local = name[1:].split("}")
    found = root.xpath("//xs:schema[@targetNamespace=$ns]/*[@name=$name]", namespaces={"xs": XS[1:-1]}, ns=namespace, name=local)
    # an element and a type may bear one name: what is referred to by name alone is the type, the message's own the element
    kinds = sorted(found, key=lambda one: one.tag == f"{XS}element")
    if not kinds:
        raise Unreadable(f"nothing is called {name}")
    return kinds[0]


def _references(component: etree._Element) -> list[str]:
    return [_resolved(one, one.get(name)) for one in component.iter() for name in ("type", "base", "ref") if one.get(name)]


def _missing_imports(root: etree._Element) -> list[str]:
    """Each schema imports exactly the other namespaces it refers to."""
    wrong = []
    for schema in root.iter(f"{XS}schema"):
        own = {schema.get("targetNamespace"), XS[1:-1]}
        named = {name[1:].partition("}")[0] for child in schema for name in _references(child)} - own
        imported = [one.get("namespace") for one in schema.findall(f"{XS}import")]
        if sorted(named) != sorted(imported):
            wrong.append(f"imports of {schema.get('targetNamespace')}")
    return wrong


# --- damages --------------------------------------------------------------------------------------


def damages(document: bytes) -> Iterator[tuple[str, bytes]]:
    """The document with one element dropped, doubled, renamed or put after the next, or one attribute dropped or changed."""
    count = len(_elements(document))
    for index in range(1, count):
        for how, spoil in _SPOILS.items():
            elements = _elements(document)
            before = etree.tostring(elements[0])
            spoil(elements[index])
            after = etree.tostring(elements[0])
            if after != before:
                yield f"{how} {elements[index].tag.rpartition('}')[2]} {elements[index].get('name', '')} ({index})", after
    for index in range(count):
        for name in _elements(document)[index].attrib:
            yield from _spoilt_attribute(document, index, name)


def _spoilt_attribute(document: bytes, index: int, name: str) -> Iterator[tuple[str, bytes]]:
    for how, change in {"dropped": None, "changed": "x"}.items():
        elements = _elements(document)
        element = elements[index]
        if change is None:
            del element.attrib[name]
        else:
            element.set(name, _OTHERWISE.get(element.get(name), element.get(name) + change))
        yield f"{how} {name} of {element.tag.rpartition('}')[2]} {element.get('name', '')} ({index})", etree.tostring(elements[0])


_OTHERWISE = {"0": "1", "unbounded": "2", "true": "false", "qualified": "unqualified", "literal": "encoded", "document": "rpc"}


def _elements(document: bytes) -> list[etree._Element]:
    parser = etree.XMLParser(remove_comments=True, remove_blank_text=True)
    return list(etree.fromstring(document, parser).iter())


def _drop(element: etree._Element) -> None:
    element.getparent().remove(element)


def _double(element: etree._Element) -> None:
    element.addnext(etree.fromstring(etree.tostring(element)))


def _rename(element: etree._Element) -> None:
    element.tag = f"{element.tag}x"


def _exchange(element: etree._Element) -> None:
    """Only where order means something: within a sequence."""
    following = element.getnext()
    if element.getparent().tag == f"{XS}sequence" and following is not None:
        following.addnext(element)


_SPOILS = {"dropped": _drop, "doubled": _double, "renamed": _rename, "exchanged": _exchange}
