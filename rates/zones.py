"""Places grouped for two purposes: the zone of one postal code, and the class of a lane on a rate card.

A zone is where a carrier's success is estimated: the sorting district (first three digits) of an Indian PIN, the
forward sortation area in Canada, the first two or three characters elsewhere. The lane classes are the five most
Indian rate cards use; their borders are a convention, not a standard, so a card may overrule them lane by lane.
The PIN table is public postal geography by prefix (the longest one wins); border districts are approximate.
"""

from __future__ import annotations

import enum

from adapters.contract.places import Lane

# How many leading characters of a postal code name its zone; two where the country is not listed.
ZONE_LENGTH = {"IN": 3, "CA": 3, "US": 3, "AU": 3, "BR": 3, "MX": 3, "GB": 2, "DE": 2, "FR": 2, "ES": 2, "IT": 2}

# Written length of a code, to show a zone as "560xxx".
_WRITTEN = {"IN": 6, "CA": 6, "US": 5, "AU": 4, "BR": 8, "MX": 5, "DE": 5, "FR": 5, "ES": 5, "IT": 5}

# Countries whose whole postal codes name a street or a few houses; elsewhere thousands of people share one.
_FINE = frozenset({"BR", "CA", "GB", "IE", "JP", "NL", "PT", "US"})
_US_AREA = 5  # of ZIP+4: the area, without the street's four


class LaneClass(enum.StrEnum):
    """How far a lane goes, as Indian rate cards sort it; the last two are for other countries."""

    WITHIN_CITY = "within_city"
    WITHIN_STATE = "within_state"
    METRO = "metro"
    REST = "rest"
    SPECIAL = "special"
    DOMESTIC = "domestic"
    INTERNATIONAL = "international"


# Metropolitan areas: PIN prefix -> city. Suburbs count where couriers treat them as the same city.
METROS = {
    "110": "delhi", "1210": "delhi", "1220": "delhi", "2010": "delhi", "2013": "delhi",
    "400": "mumbai", "560": "bengaluru", "600": "chennai",
    "700": "kolkata", "500": "hyderabad", "380": "ahmedabad", "411": "pune",
}  # fmt: skip

# PIN prefix -> state or union territory (ISO 3166-2:IN without the country).
STATES = {
    "11": "DL", "12": "HR", "13": "HR", "14": "PB", "15": "PB", "16": "PB", "160": "CH", "17": "HP", "18": "JK", "19": "JK",
    "194": "LA", "20": "UP", "21": "UP", "22": "UP", "23": "UP", "24": "UP", "25": "UP", "26": "UP", "27": "UP", "28": "UP",
    "246": "UK", "248": "UK", "249": "UK", "263": "UK", "30": "RJ", "31": "RJ", "32": "RJ", "33": "RJ", "34": "RJ",
    "36": "GJ", "37": "GJ", "38": "GJ", "39": "GJ", "3962": "DH", "40": "MH", "41": "MH", "42": "MH", "43": "MH", "44": "MH",
    "403": "GA", "45": "MP", "46": "MP", "47": "MP", "48": "MP", "49": "CG", "50": "TG", "51": "AP", "52": "AP", "53": "AP",
    "56": "KA", "57": "KA", "58": "KA", "59": "KA", "60": "TN", "61": "TN", "62": "TN", "63": "TN", "64": "TN", "605": "PY",
    "67": "KL", "68": "KL", "69": "KL", "68255": "LD", "70": "WB", "71": "WB", "72": "WB", "73": "WB", "74": "WB",
    "737": "SK", "744": "AN", "75": "OD", "76": "OD", "77": "OD", "78": "AS", "790": "AR", "791": "AR", "792": "AR",
    "793": "ML", "794": "ML", "795": "MN", "796": "MZ", "797": "NL", "798": "NL", "799": "TR", "80": "BR", "81": "BR",
    "82": "BR", "84": "BR", "85": "BR", "814": "JH", "815": "JH", "816": "JH", "822": "JH", "825": "JH", "826": "JH",
    "827": "JH", "828": "JH", "829": "JH", "83": "JH",
}  # fmt: skip

# Jammu & Kashmir, Ladakh, the North-East and the islands: dearer on most cards.
SPECIAL_STATES = frozenset({"JK", "LA", "AS", "AR", "ML", "MN", "MZ", "NL", "TR", "SK", "AN", "LD"})


def zone(postal_code: str, country: str) -> str:
    """The zone a postal code lies in, named within its country: "IN-560". A place without a code is its country's one zone."""
    return f"{country}-{normal(postal_code)[: ZONE_LENGTH.get(country, 2)]}"


def area(zone: str) -> str:
    """A zone as a reader writes it: "IN-560" is "560xxx", "CA-M5V" "M5Vxxx"; the country where it has no codes."""
    country, _, prefix = zone.partition("-")
    return prefix.ljust(_WRITTEN.get(country, len(prefix) + 2), "x") if prefix else country


def coarse(postal_code: str, country: str) -> str:
    """The postal code as far as it names no few houses."""
    if country not in _FINE:
        return postal_code
    return normal(postal_code)[:_US_AREA] if country == "US" else zone(postal_code, country).partition("-")[2]


def normal(postal_code: str) -> str:
    """The code without blanks and hyphens, in capitals."""
    return "".join(postal_code.split()).replace("-", "").upper()


def lane_class(lane: Lane) -> LaneClass | None:
    """The class of a lane, or None where an Indian PIN belongs to no state we know (army post offices, misprints)."""
    if lane.origin_country != lane.destination_country:
        return LaneClass.INTERNATIONAL
    if lane.origin_country != "IN":
        return LaneClass.DOMESTIC
    return _indian(normal(lane.origin), normal(lane.destination))


def _indian(origin: str, destination: str) -> LaneClass | None:
    """The first that fits, in this order: same city, special, same state, between metros, the rest."""
    states = {_longest(STATES, origin), _longest(STATES, destination)}
    if None in states or not (_is_pin(origin) and _is_pin(destination)):
        return None
    metros = {_longest(METROS, origin), _longest(METROS, destination)}
    if (len(metros) == 1 and None not in metros) or origin[:3] == destination[:3]:
        return LaneClass.WITHIN_CITY
    if states & SPECIAL_STATES:
        return LaneClass.SPECIAL
    if len(states) == 1:
        return LaneClass.WITHIN_STATE
    return LaneClass.REST if None in metros else LaneClass.METRO


def _is_pin(code: str) -> bool:
    return len(code) == 6 and code.isascii() and code.isdecimal()


def _longest(table: dict[str, str], code: str) -> str | None:
    """The entry of the longest prefix of `code` that is in the table."""
    return next((table[code[:length]] for length in range(6, 1, -1) if code[:length] in table), None)
