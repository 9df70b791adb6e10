"""The services that are offered through EasyPost, and who moves them.

Carrier metadata of the live API (recorded 2025, A) gives names and service levels; who collects is the vendor's list of pickup
carriers (A) or the metadata's own flag. Left out: movers without returns (Canpar, LSO), and those of whose returns nothing is
known (OnTrac, LaserShip, Loomis, Veho, Better Trucks, Maersk); DHL Express, which moves nothing within these two countries.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

from adapters.contract.carrier import Service
from adapters.contract.units import Money, Weight

# How rates and trackers name a mover, in small letters; several accounts of one mover go by names of their own.
MOVERS = MappingProxyType(
    {
        "usps": "usps",
        "uspsship": "usps",
        "ups": "ups",
        "upsdap": "ups",
        "fedex": "fedex",
        "fedexdefault": "fedex",
        "canadapost": "canadapost",
        "purolator": "purolator",
    }
)

# What fetching costs, until the booking tells: recorded for USPS (2025) and UPS (2020), a guess for the others (D).
PICKUP_FEES = MappingProxyType({"usps": Decimal("0.00"), "ups": Decimal("6.18")})
GUESSED_FEE = Decimal("10.00")

_SEVENTY_POUNDS = Weight(31_751)

_LEVELS = (
    ("usps", "GroundAdvantage", "USPS Ground Advantage"),
    ("usps", "Priority", "USPS Priority Mail"),
    ("usps", "Express", "USPS Priority Mail Express"),
    ("ups", "Ground", "UPS Ground"),
    ("ups", "3DaySelect", "UPS 3 Day Select"),
    ("ups", "2ndDayAir", "UPS 2nd Day Air"),
    ("ups", "2ndDayAirAM", "UPS 2nd Day Air A.M."),
    ("ups", "NextDayAirSaver", "UPS Next Day Air Saver"),
    ("ups", "NextDayAir", "UPS Next Day Air"),
    ("ups", "NextDayAirEarlyAM", "UPS Next Day Air Early"),
    ("fedex", "FEDEX_GROUND", "FedEx Ground"),
    ("fedex", "FEDEX_EXPRESS_SAVER", "FedEx Express Saver"),
    ("fedex", "FEDEX_2_DAY", "FedEx 2Day"),
    ("fedex", "FEDEX_2_DAY_AM", "FedEx 2Day A.M."),
    ("fedex", "STANDARD_OVERNIGHT", "FedEx Standard Overnight"),
    ("fedex", "PRIORITY_OVERNIGHT", "FedEx Priority Overnight"),
    ("fedex", "FIRST_OVERNIGHT", "FedEx First Overnight"),
    ("canadapost", "RegularParcel", "Canada Post Regular Parcel"),
    ("canadapost", "ExpeditedParcel", "Canada Post Expedited Parcel"),
    ("canadapost", "Xpresspost", "Canada Post Xpresspost"),
    ("canadapost", "Priority", "Canada Post Priority"),
    ("purolator", "PurolatorGround", "Purolator Ground"),
    ("purolator", "PurolatorExpress", "Purolator Express"),
)

SERVICES = tuple(
    Service(code=f"{mover}/{level}", name=name, moved_by=mover, heaviest=_SEVENTY_POUNDS if mover == "usps" else None)
    for mover, level, name in _LEVELS
)
_CODES = frozenset(service.code for service in SERVICES)


def mover_of(carrier: str) -> str:
    """Who moves it, for a name of EasyPost's; one that is not known is kept as it is, in small letters."""
    name = carrier.casefold()
    return MOVERS.get(name, name)


def pickup_fee(mover: str, currency: str) -> Money:
    """What the visit costs, as far as it is known before a label is bought."""
    return Money.of(PICKUP_FEES.get(mover, GUESSED_FEE), currency)


def code_of(carrier: str, level: str) -> str | None:
    """Our code of a rate's service, or None for one that is not offered."""
    code = f"{mover_of(carrier)}/{level}"
    return code if code in _CODES else None


def known(code: str) -> bool:
    return code in _CODES
