"""Returns put straight into a running gateway's ledger, as the API would."""

from __future__ import annotations

from pathlib import Path

import msgspec

from adapters.contract.orders import Item, Parcel
from adapters.contract.places import Party
from adapters.contract.units import Length, Money, Weight
from gateway import clock, ids
from gateway.services.accepting import accept
from gateway.settings import Settings
from gateway.store import accounts, merchants
from gateway.store.database import Database
from gateway.store.ledger import BOOKINGS, PICKUPS, People, Pickup, Wanted
from gateway.store.rows import Owner
from gateway.store.vault import Vault, master_key
from gateway.values import Mode

ACCOUNT = "lab_desk"  # at the carrier

_WAREHOUSE = Party(
    name="Returns desk",
    phone="9820000100",
    line1="Plot 4",
    city="Bhiwandi",
    state="Maharashtra",
    postal_code="421302",
    country="IN",
)
_CUSTOMER = Party(
    name="Asha Rao", phone="9811100001", line1="12 MG Road", city="Bengaluru", state="Karnataka", postal_code="560001", country="IN"
)
_WANTED = Wanted(
    parcels=(Parcel(dead_weight=Weight(800), length=Length(300), width=Length(200), height=Length(80)),),
    items=(Item(sku="KURTA-M", description="Cotton kurta", quantity=1, unit_value=Money(149900, "INR")),),
)
_EKART = {
    "seller_name": "Kalpana Apparel",
    "seller_address": "Plot 4, Bhiwandi",
    "seller_gst_tin": "27AAAAA0000A1Z5",
    "gst_percent": "12",
    "alternate_phone": "9820000101",
    "category_of_goods": "Apparel",
}


class Desk:
    """A merchant with an Ekart account at the lab of the gateway on `data`."""

    def __init__(self, data: Path) -> None:
        settings = Settings(data_dir=data)
        self._db = Database(settings.database)
        with self._db.write() as tx:
            self._merchant = merchants.create(tx, "Kalpana Apparel", "INR", "IN", clock.wall())
            self.owner = Owner(self._merchant.id, Mode.TEST)
            secrets = {"client_id": ACCOUNT, "username": "desk", "password": "desk"}
            accounts.add(
                tx,
                Vault(master_key(settings)),
                self.owner,
                carrier="ekart",
                name="Ekart",
                secrets=secrets,
                settings=_EKART,
                callback_token=ids.new("tok"),
                now=clock.wall(),
            )

    def accept(self, number: int) -> str:
        """The pickup's id."""
        people = People(shipper=msgspec.structs.replace(_CUSTOMER, phone=f"98111{number:05}"), consignee=_WAREHOUSE)
        with self._db.write() as tx:
            return accept(tx, self.owner, self._merchant, f"RMA-{number}", people, _WANTED, clock.wall()).id

    def pickup(self, pickup_id: str) -> Pickup:
        with self._db.read() as tx:
            return PICKUPS.one(tx, pickup_id)

    def awbs(self) -> set[str]:
        """Of all bookings."""
        with self._db.read() as tx:
            return {booking.awb for booking in BOOKINGS.all(tx) if booking.awb}
