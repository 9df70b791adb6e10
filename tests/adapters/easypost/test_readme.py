"""What the README says the carrier can do is what the code says."""

import re
from pathlib import Path

import adapters.easypost
from adapters.contract.carrier import OPERATIONS
from adapters.easypost import CARRIER
from adapters.easypost.shipment import OPTIONS

README = (Path(adapters.easypost.__file__).parent / "README.md").read_text()


def test_the_table_of_operations_is_the_codes() -> None:
    said = re.findall(r"^\| (\w+) \| (yes|no) \|", README, re.MULTILINE)
    assert said == [(name, "yes" if CARRIER.operation(name) else "no") for name in OPERATIONS]


def test_the_account_fields_are_the_codes() -> None:
    rows = re.findall(r"^\| ([\w, ]+) \| (secret|setting|secret, optional|optional) \|", README, re.MULTILINE)
    said = {name.strip(): kind for names, kind in rows for name in names.split(",")}
    kinds = {(True, True): "secret", (True, False): "secret, optional", (False, True): "setting", (False, False): "optional"}
    assert said == {field.name: kinds[field.secret, field.required] for field in CARRIER.fields}


def test_every_service_is_named_with_its_mover() -> None:
    assert [service.code for service in CARRIER.services if f"`{service.code.partition('/')[2]}`" not in README] == []
    assert {service.moved_by for service in CARRIER.services} == {service.code.partition("/")[0] for service in CARRIER.services}


def test_every_option_of_an_order_is_named() -> None:
    assert [name for name in sorted(OPTIONS) if f"`{name}`" not in README] == []
