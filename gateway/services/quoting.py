"""Quoting: every account that may carry it is asked at once, within a deadline; what comes back is filtered, priced and ranked.

A carrier that does not answer in time is left out with that cause; its call ends on its own time-out (a cancelled call would
cost its connection) and its answer is still remembered.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.contract.carrier import Carrier, Enquiry, Quote, Service, Serviceability, Stop, Tat
from adapters.contract.days import next_working_day
from adapters.contract.errors import CarrierError, Refused
from adapters.contract.orders import Direction
from adapters.contract.places import Lane, Party
from adapters.contract.units import Money
from gateway import clock
from gateway.carriers import registry
from gateway.carriers.memory import key_of
from gateway.services import chances, scoring
from gateway.services.chances import Learnt, Spot
from gateway.services.kit import Kit
from gateway.store import accounts, tables, volumes
from gateway.store.ledger import Wanted
from gateway.store.merchants import Merchant
from gateway.store.rows import Owner, whose
from gateway.values import Account
from rates import cards
from rates.choice import rank
from rates.currency import Converted, NoRate, RateTable, convert
from rates.decisions import Candidate, Decision, Situation
from rates.estimates import FAILURE_SLIP, SUCCESS_SLIP, Cell, Days, expected_days, factor
from rates.filters import Asked, Barred, Heard, Means, after_asking, before_asking, names
from rates.policy import Policy
from rates.zones import zone

_HOLDS = {"tat": 24 * 3600.0, "quote": 300.0}
# How long a quoted price is booked by: assumed, no carrier of ours says.
HOLDS = dt.timedelta(hours=1)

_BARS_HERE = sa.select(tables.bars.c.moved_by, tables.bars.c.until).where(
    whose(tables.bars), tables.bars.c.postal_code == sa.bindparam("postal_code"), tables.bars.c.until > sa.bindparam("now")
)

# What came back: the answer, the carrier's error, or None: not within the deadline.
Outcome = Any


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows that a choice needs, read in one go."""

    accounts: list[Account]
    cards: list[cards.RateCard]
    policy: Policy
    bars: Mapping[str, dt.datetime]
    learnt: Learnt
    rates: tuple[RateTable, ...] = ()
    circuits: Mapping[str, str] = {}
    booked_today: Mapping[str, int] = {}


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """One pickup's question to all carriers.

    `failed` are the chances its failed visits had; `excluded` are movers not to be chosen for it again, with the cause in words;
    `anew` are accounts whose remembered prices are not believed any more.
    """

    enquiry: Enquiry
    wanted: Wanted | None
    country: str
    now: dt.datetime
    situation: Situation
    currency: str
    failed: tuple[float, ...] = ()
    excluded: Mapping[str, str] = {}
    refused_by: Mapping[str, str] = {}
    anew: Collection[str] = ()

    @property
    def place(self) -> str:
        return zone(self.enquiry.lane.origin, self.country)

    @property
    def spot(self) -> Spot:
        return Spot(self.place, scoring.place_key(self.enquiry.lane.origin, self.country))


def enquiry_of(shipper: Party, consignee: Party, wanted: Wanted, now: dt.datetime) -> Enquiry:
    lane = Lane(
        origin=shipper.postal_code,
        destination=consignee.postal_code,
        origin_country=shipper.country,
        destination_country=consignee.country,
        origin_city=shipper.city,
        destination_city=consignee.city,
    )
    window = wanted.window_ahead(now)
    value = Money(sum(item.unit_value.minor * item.quantity for item in wanted.items), wanted.items[0].unit_value.currency)
    return Enquiry(
        lane=lane,
        direction=Direction.REVERSE,
        parcels=wanted.parcels,
        declared_value=value,
        quality_checks=len(wanted.quality_checks),
        ready_at=max(window.opens, now) if window else now,
    )


async def decide(
    kit: Kit,
    owner: Owner,
    merchant: Merchant,
    enquiry: Enquiry,
    wanted: Wanted | None,
    *,
    seconds: float,
    now: dt.datetime,
    situation: Situation | None = None,
    failed: tuple[float, ...] = (),
    excluded: Mapping[str, str] | None = None,
    refused_by: Mapping[str, str] | None = None,
    anew: Collection[str] = (),
    dice: float = 1.0,
) -> Decision:
    """Quote and choose. `seconds` is the deadline for all carriers together, `now` the merchant's business time.

    `dice`, below 1, are for the merchant's shuffle.
    """
    asking = Asking(
        enquiry=enquiry,
        wanted=wanted,
        country=enquiry.lane.origin_country,
        now=now,
        situation=situation or Situation(zone=zone(enquiry.lane.origin, enquiry.lane.origin_country)),
        currency=merchant.currency,
        failed=failed,
        excluded=excluded or {},
        refused_by=refused_by or {},
        anew=anew,
    )
    setup = await asyncio.get_running_loop().run_in_executor(None, _read_setup, kit, owner, merchant, asking)
    means, barred = _screen(setup, asking)
    answers = await _ask_all(kit, {account.id: account for account, _ in means}, asking, seconds)
    candidates, more = _weigh_all(means, answers, setup, asking)
    return rank(candidates, barred + more, _for_this(setup.policy, wanted), _situation(setup.policy, asking), asking.now, dice)


# --- what the ledger knows -------------------------------------------------------------------------


def _read_setup(kit: Kit, owner: Owner, merchant: Merchant, asking: Asking) -> Setup:
    with kit.db.read() as tx:
        rows, policy = accounts.of_owner(tx, owner), accounts.policy_or_default(tx, owner, merchant.currency)
        opened = [accounts.opened(kit.vault, row) for row in rows]
        return Setup(
            accounts=opened,
            cards=accounts.cards_of(tx, owner),
            policy=policy,
            bars=_bars(tx, owner, asking),
            learnt=chances.read(tx, owner, _pairs({row.carrier for row in rows}), asking.spot),
            rates=kit.rates(),
            booked_today=_booked_today(tx, owner, policy, {row.carrier for row in rows}, asking.now),
            circuits={account.id: kit.carriers.unavailable(account, _needed(account)) for account in opened},
        )


def _needed(account: Account) -> tuple[str, ...]:
    """The operations without which an account is no offer, or none that could be booked; days may be missing."""
    offers = [name for name in registry.carrier(account.carrier).offers_from if name != "tat"]
    return ("sign_in", *offers, "book")


def _bars(tx: sa.Connection, owner: Owner, asking: Asking) -> dict[str, dt.datetime]:
    """Movers that are not to be sent to this postal code for now."""
    here = {"postal_code": asking.enquiry.lane.origin, "now": asking.now}
    return {row.moved_by: row.until for row in tx.execute(_BARS_HERE, msgspec.structs.asdict(owner) | here)}


def _booked_today(tx: sa.Connection, owner: Owner, policy: Policy, carriers: Iterable[str], now: dt.datetime) -> dict[str, int]:
    """Pickups booked or being booked since midnight where the carrier is, by the names that the policy's caps have for it."""
    found: Counter[str] = Counter()
    capped = {cap.carrier for cap in policy.caps if cap.pickups_a_day is not None}
    for carrier in carriers if capped else ():
        timezone = registry.carrier(carrier).timezone
        midnight = clock.at_local(clock.local_date(now, timezone), dt.time(), timezone)
        for account, service, mover, number in volumes.booked_since(tx, owner, carrier, midnight):
            found.update(dict.fromkeys(capped & names(account, carrier, service, mover), number))
    return dict(found)


def _pairs(codes: Iterable[str]) -> list[chances.Pair]:
    return [(service.moved_by or code, service.code) for code in codes for service in registry.carrier(code).services]


def _for_this(policy: Policy, wanted: Wanted | None) -> Policy:
    """The policy with what the merchant said about this pickup."""
    if wanted is None or not (wanted.allow or wanted.deny):
        return policy
    return msgspec.structs.replace(policy, allow=wanted.allow or policy.allow, deny=(*policy.deny, *wanted.deny))


def _situation(policy: Policy, asking: Asking) -> Situation:
    return msgspec.structs.replace(asking.situation, pinned=_pinned(policy, asking), zone=asking.place)


def _pinned(policy: Policy, asking: Asking) -> str:
    """The carrier named for this pickup, else the one for pickups there."""
    return (asking.wanted.pin if asking.wanted else "") or policy.pinned_at(asking.enquiry.lane.origin)


# --- before asking ---------------------------------------------------------------------------------


def _screen(setup: Setup, asking: Asking) -> tuple[list[tuple[Account, Means]], list[Barred]]:
    """The services worth asking about, and those left out before anybody is asked."""
    policy, asked = _for_this(setup.policy, asking.wanted), _asked(setup.policy, asking)
    kept, barred = [], []
    for account in setup.accounts:
        carrier = registry.carrier(account.carrier)
        for service in _services(account, carrier):
            means = _means(account, carrier, service, setup, asking)
            cause = before_asking(means, asked, policy)
            if cause:
                barred.append(cause)
            else:
                kept.append((account, means))
    return kept, barred


def _services(account: Account, carrier: Carrier) -> list[Service]:
    return [service for service in carrier.services if not account.services or service.code in account.services]


def _means(account: Account, carrier: Carrier, service: Service, setup: Setup, asking: Asking) -> Means:
    mover = service.moved_by or carrier.code
    return Means(
        account=account.id,
        carrier=carrier.code,
        service=service.code,
        moved_by=mover,
        enabled=account.enabled,
        barred_by=_barred_by(mover, account, service, setup, asking),
        circuit_open=setup.circuits.get(account.id, ""),
        booked_today=setup.booked_today,
        heaviest=service.heaviest,
        longest_side=service.longest_side,
        pieces=service.pieces,
        quality_checks=service.quality_checks,
    )


def _barred_by(mover: str, account: Account, service: Service, setup: Setup, asking: Asking) -> str:
    until = setup.bars.get(mover)
    if until:
        return f"told us it does not collect at this postal code; barred until {until:%Y-%m-%d}"
    refusal = asking.refused_by.get(f"{account.id}/{service.code}", "") or asking.refused_by.get(account.id, "")
    return asking.excluded.get(mover, "") or refusal


def _asked(policy: Policy, asking: Asking) -> Asked:
    wanted = asking.wanted
    return Asked(
        parcels=asking.enquiry.parcels,
        quality_checks=asking.enquiry.quality_checks,
        pinned=_pinned(policy, asking),
        price_cap=wanted.max_price if wanted else None,
    )


# --- asking ----------------------------------------------------------------------------------------


def _questions(account: Account, enquiry: Enquiry) -> list[tuple[str, str, Any]]:
    """(name, operation, question) of all that an offer of this account's carrier is made of."""
    carrier = registry.carrier(account.carrier)
    wished = [name for name, setting in carrier.offers_also.items() if account.settings.get(setting, "").casefold() == "yes"]
    lane, direction = enquiry.lane, enquiry.direction
    ends = (
        (
            "collect",
            "serviceability",
            Stop(postal_code=lane.origin, country=lane.origin_country, direction=direction, collect=True),
        ),
        (
            "deliver",
            "serviceability",
            Stop(postal_code=lane.destination, country=lane.destination_country, direction=direction, collect=False),
        ),
    )
    rest = [(name, name, enquiry) for name in (*carrier.offers_from, *wished) if name != "serviceability"]
    return [*(ends if "serviceability" in carrier.offers_from else ()), *rest]


async def _ask_all(kit: Kit, asked: Mapping[str, Account], asking: Asking, seconds: float) -> dict[str, dict[str, Outcome]]:
    """Every question to every account, from memory or all carriers at once; by account and name."""
    found: dict[str, dict[str, Outcome]] = {account_id: {} for account_id in asked}
    tasks: dict[tuple[str, str], asyncio.Task[Outcome]] = {}
    for account in asked.values():
        for name, operation, question in _questions(account, asking.enquiry):
            key = key_of(account.id, operation, _lasting(operation, question))
            doubtful = operation == "quote" and account.id in asking.anew
            found[account.id][name] = None if doubtful else kit.memory.get(key)
            if found[account.id][name] is None:
                tasks[account.id, name] = asyncio.ensure_future(_ask(kit, account, operation, question, asking.now, key))
    if tasks:
        await asyncio.wait(tasks.values(), timeout=seconds)
    for (account_id, name), task in tasks.items():
        found[account_id][name] = task.result() if task.done() else None
    return found


def _lasting(operation: str, question: Any) -> Any:
    """The question as it is remembered: a price holds whenever the parcel is ready, days for the hour they were asked about."""
    if not isinstance(question, Enquiry) or question.ready_at is None:
        return question
    hour = question.ready_at.replace(minute=0, second=0, microsecond=0)
    return msgspec.structs.replace(question, ready_at=None if operation == "quote" else hour)


async def _ask(kit: Kit, account: Account, operation: str, question: Any, now: dt.datetime, key: bytes) -> Outcome:
    """The carrier's answer, which is remembered; an error is an outcome too."""
    try:
        answer = await kit.carriers.ask(account, operation, question, now=now)
    except CarrierError as error:
        return error
    seconds = answer.holds_for.total_seconds() if isinstance(answer, Serviceability) else _HOLDS[operation]
    kit.memory.put(key, answer, seconds)
    return answer


# --- after asking ----------------------------------------------------------------------------------


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A service's price and days, wherever they came from."""

    price: Money
    due_if_not_collected: Money
    tat_days: int | None
    firm: bool
    sources: Mapping[str, str]
    expires_at: dt.datetime | None = None


_BY_QUOTE = "the carrier's quote"


def _weigh_all(
    means: list[tuple[Account, Means]], answers: Mapping[str, Mapping[str, Outcome]], setup: Setup, asking: Asking
) -> tuple[list[Candidate], list[Barred]]:
    asked, policy = _asked(setup.policy, asking), _for_this(setup.policy, asking.wanted)
    candidates: list[Candidate] = []
    barred: list[Barred] = []
    for account, mean in means:
        heard, offer = _hear(account, mean, answers[account.id], setup, asking)
        cause = after_asking(mean, heard, asked, policy)
        if cause:
            barred.append(cause)
        elif offer:
            candidates.append(_candidate(mean, offer, setup, asking))
    return candidates, barred


def _hear(
    account: Account, means: Means, answers: Mapping[str, Outcome], setup: Setup, asking: Asking
) -> tuple[Heard, Offer | None]:
    """What the answers amount to for one service."""
    late = [name for name, outcome in answers.items() if outcome is None and name != "tat"]
    errors = [outcome for name, outcome in answers.items() if isinstance(outcome, CarrierError) and name != "tat"]
    unserved = _unserved(answers)
    if unserved or errors or late:
        return Heard(
            not_serviceable=unserved,
            quote_failed=str(errors[0])[:200] if errors else "",
            quote_timed_out=f"no answer about {', '.join(late)} in time" if late else "",
        ), None
    quoted = _from_quote if "quote" in answers else _from_card
    offer, heard = quoted(means, answers, setup, asking)
    if offer is None:
        return heard, None
    converted = _convert(offer.price, setup, asking)
    return Heard(price=offer.price, converted=converted.money if isinstance(converted, Converted) else converted), offer


def _unserved(answers: Mapping[str, Outcome]) -> str:
    """The carrier's own words for not going there."""
    for end in ("collect", "deliver"):
        outcome = answers.get(end)
        if isinstance(outcome, Serviceability) and not outcome.serviceable:
            return outcome.cause or f"does not {end} there"
    refusals = [o for o in answers.values() if isinstance(o, Refused) and o.kind == "not_serviceable"]
    return str(refusals[0].raw_message or refusals[0].kind) if refusals else ""


def _tat(answers: Mapping[str, Outcome], service: str = "") -> tuple[int | None, str]:
    """Days to the destination and who says so; of the slowest service where none is named."""
    outcome = answers.get("tat")
    if not isinstance(outcome, Tat):
        return None, ""
    return outcome.by_service.get(service, outcome.days), outcome.source


def _from_quote(means: Means, answers: Mapping[str, Outcome], setup: Setup, asking: Asking) -> tuple[Offer | None, Heard]:
    quotes: tuple[Quote, ...] = answers["quote"]
    quote = next((quote for quote in quotes if quote.service == means.service), None)
    if quote is None:
        return None, Heard(no_price=f"no price for {means.service}")
    due = quote.due_if_not_collected or Money(0, quote.price.currency)
    days, foretold_by = _tat(answers, means.service)
    if days is None:
        days, foretold_by = quote.tat_days, _BY_QUOTE
    sources = {"price": _BY_QUOTE, "tat": foretold_by}
    until = asking.now + HOLDS
    offer = Offer(price=quote.price, due_if_not_collected=due, tat_days=days, firm=quote.firm, sources=sources, expires_at=until)
    return offer, Heard()


def _from_card(means: Means, answers: Mapping[str, Outcome], setup: Setup, asking: Asking) -> tuple[Offer | None, Heard]:
    mine = [card for card in setup.cards if (card.carrier, card.service) == (means.carrier, means.service)]
    if not mine:
        return None, Heard(card_missing=f"{means.carrier} is priced by a rate card and there is none for {means.service}")
    enquiry, today = asking.enquiry, asking.now.date()
    priced = [
        (card, cards.price(card, enquiry.lane, enquiry.parcels, enquiry.quality_checks, today)) for card in _newest_first(mine)
    ]
    for card, price in priced:
        if isinstance(price, cards.CardPrice):
            due, (days, foretold_by) = price.due_if_not_collected, _tat(answers, means.service)
            sources = {"price": card.title, "tat": foretold_by}
            return Offer(price=price.total, due_if_not_collected=due, tat_days=days, firm=False, sources=sources), Heard()
    refusal = priced[0][1]
    return None, Heard(no_price=refusal.detail if isinstance(refusal, cards.NoPrice) else "")


def _newest_first(mine: list[cards.RateCard]) -> list[cards.RateCard]:
    return sorted(mine, key=lambda card: card.valid_from, reverse=True)


def _convert(money: Money, setup: Setup, asking: Asking) -> Converted | NoRate:
    return convert(money, asking.currency, setup.rates, asking.now.date())


def _candidate(means: Means, offer: Offer, setup: Setup, asking: Asking) -> Candidate:
    carrier = registry.carrier(means.carrier)
    price, due = _convert(offer.price, setup, asking), _convert(offer.due_if_not_collected, setup, asking)
    if isinstance(price, NoRate) or isinstance(due, NoRate):  # the filters leave such an offer out
        raise ValueError(f"{means.carrier} is priced in a currency without a rate")
    learnt, pair = setup.learnt, (means.moved_by, means.service)
    cells = learnt.cells
    lead = lead_days(asking, carrier)
    same = asking.situation.current is not None and asking.situation.current[1] == means.moved_by
    return Candidate(
        account=means.account,
        carrier=means.carrier,
        service=means.service,
        name=f"{carrier.name} {carrier.service(means.service).name}",
        moved_by=means.moved_by,
        price=offer.price,
        price_minor=price.money.minor,
        due_if_not_collected=offer.due_if_not_collected,
        due_minor=due.money.minor,
        rate=price.rate,
        tat_days=offer.tat_days,
        firm=offer.firm,
        expires_at=offer.expires_at,
        estimate=learnt.first_visit(pair, asking.spot, asking.now),
        brake=learnt.brake(pair, asking.place, asking.now),
        visit=len(asking.failed) + 1,
        g=factor(asking.failed, same, scoring.later_cells(cells), asking.now),
        days_to_success=expected_days(lead, _slip(cells, pair, collected=True), SUCCESS_SLIP, asking.now),
        days_to_failure=expected_days(lead, _slip(cells, pair, collected=False), FAILURE_SLIP, asking.now),
        sources=offer.sources,
    )


def _slip(cells: Mapping[str, Cell], pair: tuple[str, str], *, collected: bool) -> Days:
    cell = cells[scoring.slip_key(*pair, collected=collected)]
    return Days(cell.successes, cell.exposure)


def lead_days(asking: Asking, carrier: Carrier) -> float:
    """Days until the first visit: the window's day, else the next on which the carrier collects."""
    today = clock.local_date(asking.now, carrier.timezone)
    window = asking.wanted.window_ahead(asking.now) if asking.wanted else None
    day = window.date if window else next_working_day(today, asking.country, *carrier.days_off)
    return float(max((day - today).days, 0))


# --- serviceability ---------------------------------------------------------------------------------


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one account's carrier serves a lane; None: it could not say."""

    account: str
    carrier: str
    serviceable: bool | None
    cause: str = ""
    tat_days: int | None = None


async def serviceability(
    kit: Kit, owner: Owner, merchant: Merchant, enquiry: Enquiry, *, seconds: float, now: dt.datetime
) -> list[Reach]:
    """Each account's word on the lane, all asked at once."""
    asking = Asking(
        enquiry=enquiry,
        wanted=None,
        country=enquiry.lane.origin_country,
        now=now,
        situation=Situation(),
        currency=merchant.currency,
    )
    setup = await asyncio.get_running_loop().run_in_executor(None, _read_setup, kit, owner, merchant, asking)
    enabled = {account.id: account for account in setup.accounts if account.enabled}
    answers = await _ask_all(kit, enabled, asking, seconds)
    return [_reach(account, answers[account.id]) for account in enabled.values()]


def _reach(account: Account, answers: Mapping[str, Outcome]) -> Reach:
    unserved = _unserved(answers)
    errors = [str(outcome) for name, outcome in answers.items() if isinstance(outcome, CarrierError) and name != "tat"]
    unclear = errors or [f"no answer about {name} in time" for name, outcome in answers.items() if outcome is None]
    return Reach(
        account=account.id,
        carrier=account.carrier,
        serviceable=False if unserved else None if unclear else True,
        cause=unserved or "; ".join(unclear)[:300],
        tat_days=_tat(answers)[0],
    )
