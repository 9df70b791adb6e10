"""What the README says the carrier can do is what the code says; and the adapter is cheap until it is asked."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import adapters.aramex
from adapters.aramex import CARRIER, places, wire
from adapters.contract.carrier import OPERATIONS

FOLDER = Path(adapters.aramex.__file__).parent
README = (FOLDER / "README.md").read_text()


def test_the_table_of_operations_is_the_codes() -> None:
    said = re.findall(r"^\| (\w+) \| (yes|no) \|", README, re.MULTILINE)
    assert said == [(name, "yes" if CARRIER.operation(name) else "no") for name in OPERATIONS]


def test_the_account_fields_are_the_codes() -> None:
    rows = re.findall(r"^\| ([\w, ]+) \| (secret|setting|optional) \|", README, re.MULTILINE)
    said = {name.strip(): kind for names, kind in rows for name in names.split(",")}
    kinds = {(True, True): "secret", (False, True): "setting", (False, False): "optional"}
    assert said == {field.name: kinds[field.secret, field.required] for field in CARRIER.fields}


def test_every_country_is_named() -> None:
    assert [country.name for country in places.COUNTRIES.values() if country.name not in README] == []


def test_every_code_of_a_refusal_is_named() -> None:
    assert [code for code in wire.REFUSALS if code not in README] == []


def test_what_a_cancel_leaves_behind_is_said() -> None:
    assert CARRIER.leaves_behind in README


@pytest.mark.parametrize("module", ["adapters.aramex", "adapters.aramex.lab"])
def test_zeep_is_not_loaded_before_something_is_asked(module: str) -> None:
    program = f"import sys, {module}; print([name for name in ('zeep', 'requests') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=FOLDER.parent.parent)
    assert run.stdout.strip() == "[]"
