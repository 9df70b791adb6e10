from __future__ import annotations

import subprocess
import sys

import pytest

from adapters.contract.carrier import Carrier
from gateway.carriers import registry


def test_every_carrier_is_a_description_under_its_code():
    assert {code: registry.carrier(code).code for code in registry.codes()} == {code: code for code in registry.codes()}
    assert all(isinstance(carrier, Carrier) for carrier in registry.every())


def test_carriers_come_in_the_order_of_their_codes():
    assert list(registry.codes()) == sorted(registry.codes())
    assert {"delhivery", "ekart"} <= set(registry.codes())


def test_a_carrier_is_loaded_once():
    assert registry.carrier("ekart") is registry.carrier("ekart")


def test_a_carrier_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(registry.NoSuchCarrier) as raised:
        registry.carrier("snail")
    assert str(raised.value) == f"no carrier 'snail'; installed: {', '.join(registry.codes())}"


def test_no_carrier_is_loaded_before_it_is_asked_for():
    look = "import sys; from gateway.carriers import registry; registry.codes(); print('adapters.ekart' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
