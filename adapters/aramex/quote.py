"""What would it cost?

WSDL of the rate calculator (A): one product a call, a total in the currency asked for, no days. The breakdown is in a later schema
of the same interface (A) and not in every answer (B); it is shown where it adds up.
"""

from __future__ import annotations

import httpx
import msgspec

from adapters.aramex import goods, places, wire
from adapters.contract.carrier import Access, Enquiry, Next, Operation, PriceLine, Quote, SoFar, Step
from adapters.contract.errors import Misread, RefusalKind, Refused
from adapters.contract.units import Money


class Amount(msgspec.Struct, frozen=True, rename="pascal"):
    currency_code: str = ""
    value: float | None = None


class Breakdown(msgspec.Struct, frozen=True, rename="pascal"):
    total_amount_before_tax: float = 0.0
    tax_amount: float = 0.0


class Reply(wire.Reply, frozen=True, kw_only=True, rename="pascal"):
    total_amount: Amount = Amount()
    rate_details: Breakdown | None = None


def offers_economy(enquiry: Enquiry, access: Access) -> bool:
    """Whether the account has a product for it on this lane."""
    return goods.product(goods.ECONOMY, enquiry.lane.origin_country, enquiry.lane.destination_country, access) is not None


def build_economy(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return _build(enquiry, access, goods.ECONOMY)


def build_express(enquiry: Enquiry, access: Access, so_far: SoFar) -> httpx.Request:
    return _build(enquiry, access, goods.EXPRESS)


def _build(enquiry: Enquiry, access: Access, service: str) -> httpx.Request:
    lane = enquiry.lane
    country = places.collecting(lane.origin_country, "/lane/origin_country")
    product = goods.product(service, lane.origin_country, lane.destination_country, access)
    if product is None:
        raise wire.unfit("/lane", f"this account has no product for {service!r} here")
    payment = goods.payment(enquiry.direction, access)
    fields = {
        **wire.head(access, _references(enquiry, service)),
        "OriginAddress": places.lane_end(lane.origin_city, lane.origin, lane.origin_country, "origin"),
        "DestinationAddress": places.lane_end(lane.destination_city, lane.destination, lane.destination_country, "destination"),
        "ShipmentDetails": goods.details(goods.only_parcel(enquiry.parcels), lane.origin_country, product, payment),
        "PreferredCurrencyCode": access.settings.get("currency", "").strip() or country.currency,
    }
    return wire.RATES.request(wire.address(access, "RateCalculator"), "CalculateRate", fields)


def _references(enquiry: Enquiry, service: str) -> tuple[str, ...]:
    """Nothing else in the answer says whose price it is."""
    lane = enquiry.lane
    ends = (f"{lane.origin_country} {lane.origin}", f"{lane.destination_country} {lane.destination}")
    return (service, *ends, f"{sum(parcel.dead_weight.grams for parcel in enquiry.parcels)} g")


def parse_economy(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> Next:
    """Kept until express is priced too. Economy not going there takes nothing from express."""
    try:
        quote = _quote(response, enquiry, goods.ECONOMY)
    except Refused as refusal:
        if refusal.kind is RefusalKind.UNAUTHORIZED:
            raise
        return Next(so_far={})
    return Next(so_far={goods.ECONOMY: msgspec.json.encode(quote).decode()})


def parse_express(response: httpx.Response, enquiry: Enquiry, so_far: SoFar) -> tuple[Quote, ...]:
    express, economy = _quote(response, enquiry, goods.EXPRESS), so_far.get(goods.ECONOMY)
    return (express, msgspec.json.decode(economy, type=Quote)) if economy else (express,)


def _quote(response: httpx.Response, enquiry: Enquiry, service: str) -> Quote:
    reply = wire.RATES.read(response, "CalculateRate", Reply)
    wire.judge(reply, _references(enquiry, service))
    wire.recognise(reply, _references(enquiry, service))
    price = _money(reply.total_amount.value, reply.total_amount.currency_code)
    if price.minor <= 0:
        raise Misread("a price of nothing is no price")
    return Quote(service=service, price=price, lines=_lines(reply.rate_details, price))


def _lines(breakdown: Breakdown | None, price: Money) -> tuple[PriceLine, ...]:
    if breakdown is None:
        return ()
    base, tax = (_money(amount, price.currency) for amount in (breakdown.total_amount_before_tax, breakdown.tax_amount))
    if base + tax != price:
        return ()
    return tuple(PriceLine(code=code, amount=amount) for code, amount in (("base", base), ("tax", tax)) if amount.minor)


def _money(value: float | None, currency: str) -> Money:
    if value is None or len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise Misread("an amount without its value or currency")
    try:
        return Money.of(str(value), currency)
    except ValueError as error:
        raise Misread(str(error)) from error


QUOTE: Operation[Enquiry, tuple[Quote, ...]] = Operation(
    steps=(
        Step(name="economy", build=build_economy, parse=parse_economy, when=offers_economy),
        Step(name="express", build=build_express, parse=parse_express),
    ),
    repeatable=True,
    reads_server_errors=True,
)
