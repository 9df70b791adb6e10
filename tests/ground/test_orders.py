from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.orders import Direction, Item, Order, Parcel, PickupOrder, ShipmentOrder
from adapters.contract.places import Lane, Party
from adapters.contract.units import Length, Money, Weight

HOME = Party(name="Asha Rao", phone="9820000000", line1="12 Rose Lane", city="Bengaluru", postal_code="560038", country="IN")
DOCK = Party(name="Returns", phone="8040002000", line1="Plot 7", city="Colombo", postal_code="00300", country="LK")
BOX = Parcel(dead_weight=Weight(480), length=Length(300), width=Length(200), height=Length(60))

ITEMS = st.lists(
    st.builds(
        Item,
        sku=st.just("S"),
        description=st.text(max_size=5),
        quantity=st.integers(1, 50),
        unit_value=st.builds(Money, st.integers(0, 10**8), st.just("INR")),
    ),
    min_size=1,
    max_size=6,
).map(tuple)


def order(kind: type[Order] = PickupOrder, items: tuple[Item, ...] = ()) -> Order:
    return kind(carrier_reference="GW1", shipper=HOME, consignee=DOCK, parcels=(BOX,), items=items)


def item(description: str, minor: int = 100, quantity: int = 1) -> Item:
    return Item(sku="S", description=description, quantity=quantity, unit_value=Money(minor, "INR"))


@pytest.mark.parametrize(("kind", "direction"), [(PickupOrder, Direction.REVERSE), (ShipmentOrder, Direction.FORWARD)])
def test_the_kind_of_order_is_its_direction(kind, direction):
    assert order(kind).direction is direction


def test_the_lane_runs_from_shipper_to_consignee():
    assert order().lane == Lane(
        origin="560038",
        destination="00300",
        origin_country="IN",
        destination_country="LK",
        origin_city="Bengaluru",
        destination_city="Colombo",
    )


def test_the_declared_value_counts_every_piece():
    assert order(items=(item("Shirt", 14990, 2), item("Belt", 50))).declared_value == Money(30030, "INR")


@given(ITEMS)
def test_an_orders_value_is_the_sum_of_its_items_orders(items):
    parts = [order(items=(one,)).declared_value for one in items]
    assert order(items=items).declared_value.minor == sum(part.minor for part in parts)
    assert order(items=items).pieces == sum(one.quantity for one in items)


def test_the_description_names_every_item():
    assert order(items=(item("Shirt"), item("Belt"))).description == "Shirt, Belt"


@pytest.mark.parametrize("field", ["carrier_reference", "items"])
def test_an_order_is_never_changed(field):
    with pytest.raises(AttributeError):
        setattr(order(), field, None)


@given(ITEMS)
def test_an_order_written_down_reads_back_the_same(items):
    written = order(items=items)
    assert msgspec.json.decode(msgspec.json.encode(written), type=PickupOrder) == written
