"""Slips to print: an invented customer in several scripts, and one whose address is long."""

from __future__ import annotations

import datetime as dt

import msgspec

from adapters.contract.orders import Item, Parcel, ReturnReason
from adapters.contract.places import Party, Window
from adapters.contract.units import Length, Money, Weight
from gateway.labels.sheet import Slip

CUSTOMER = Party(
    name="Meera Raghunathan",
    phone="+91 90000 11122",
    line1="Flat 12B, Banyan Apartments",
    line2="14th Cross, Lake View",
    city="Bengaluru",
    state="Karnataka",
    postal_code="560038",
    country="IN",
)
WAREHOUSE = Party(
    name="Returns Desk", phone="+91 90000 33344", line1="Plot 7, Mill Road", city="Hosur", postal_code="635109", country="IN"
)
PARCEL = Parcel(dead_weight=Weight(1250), length=Length(300), width=Length(205), height=Length(100))
KURTA = Item(
    sku="KRT-204-M",
    description="Cotton kurta, block print",
    quantity=2,
    unit_value=Money(149900, "INR"),
    return_reason=ReturnReason.SIZE_OR_FIT,
)
WINDOW = Window(date=dt.date(2026, 11, 25), start=dt.time(10), end=dt.time(18), timezone="Asia/Kolkata")
CUSTOMERS = {
    "latin": CUSTOMER,
    "hindi": msgspec.structs.replace(
        CUSTOMER, name="श्रीमती लक्ष्मी त्रिपाठी", line1="मकान नं. 45, गोविन्द नगर", line2="बड़े हनुमान मंदिर के पास", city="लखनऊ"
    ),
    "arabic": msgspec.structs.replace(
        CUSTOMER, name="ليلى عبد الله", line1="شارع النخيل 12، شقة 4", line2="بجوار السوق (Gate 7)", city="الرياض", country="SA"
    ),
    "russian": msgspec.structs.replace(
        CUSTOMER, name="Екатерина Щербакова", line1="ул. Большая Садовая, д. 12, кв. 45", line2="подъезд 3", city="Москва"
    ),
    "tamil": msgspec.structs.replace(CUSTOMER, name="லட்சுமி சுப்பிரமணியன்", line1="45, காந்தி தெரு", city="மதுரை"),
    "bengali": msgspec.structs.replace(CUSTOMER, name="লক্ষ্মী চট্টোপাধ্যায়", line1="৪৫ গোবিন্দ রোড", city="কলকাতা"),
    "long": msgspec.structs.replace(
        CUSTOMER,
        name="Wilhelmina Theodora Maximiliana von und zu Hohenfels-Schillingsburg-Waldenau the Elder",
        company="Grand Intercontinental Trading, Import and Export Private Limited (formerly Small Local Trading)",
        line1="Flat 1204-B, Tower 17, Magnificent Residency Phase III, opposite the old Government Secondary School, Sector 45",
        line2="Village post office Kadubeesa, service lane of the outer ring road, past the third signal, at the yellow gate",
        landmark="Next to the temple's main gate and the mango juice stall",
        alternate_phone="+91 80000 99887",
    ),
}


def slip(**changes: object) -> Slip:
    plain = Slip(
        awb="1490812345678",
        carrier="Swiftline",
        service="Return surface",
        reference="RMA-1001",
        shipper=CUSTOMER,
        consignee=WAREHOUSE,
        items=(KURTA,),
        parcels=(PARCEL,),
        window=WINDOW,
    )
    return msgspec.structs.replace(plain, **changes)
