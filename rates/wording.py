"""A decision in the merchant's words: carrier, price, chance and what it rests on, expected cost, and who is next.

Plain English, honest about what has not been seen yet.
"""

from __future__ import annotations

from adapters.contract.units import exponent
from rates.decisions import Candidate, Decision, Override, Row
from rates.estimates import Estimate
from rates.zones import area

_SYMBOLS = {"INR": "Rs ", "USD": "$", "EUR": "€", "GBP": "£"}


def sentence(decision: Decision) -> str:
    """The decision as a merchant is told it."""
    if decision.chosen is None:
        return _nobody(decision)
    chosen = decision.of(decision.chosen)
    currency = decision.policy.currency
    row = decision.chosen
    there = f" around {area(decision.situation.zone)}" if decision.situation.zone else ""
    visit = "the first visit" if chosen.visit == 1 else f"visit {chosen.visit}"
    facts = evidence(chosen.estimate, chosen.g * chosen.brake)
    return (
        f"{_called(chosen)} at {amount(chosen.price_minor, currency)}: it collects at {visit} {percent(row.p)} of the time{there} "
        f"({facts}), so a collected return costs {about(row.index, currency)} all in{_beside(decision, row)}."
        f"{_remarks(decision)}{_afterwards(decision)}"
    )


def _called(candidate: Candidate) -> str:
    return candidate.name or f"{candidate.carrier} {candidate.service}".strip()


def _beside(decision: Decision, chosen: Row) -> str:
    """What the choice is held against: the cheapest quote, or the runner-up where the choice is the cheapest quote."""
    if decision.runner_up is None:
        return f"; all others were left out ({_causes(decision)})" if decision.barred else "; there is no other offer"
    cheapest = min(decision.rows, key=lambda row: decision.of(row).price_minor)
    cheaper = decision.of(cheapest).price_minor < decision.of(chosen).price_minor
    row = cheapest if cheaper else decision.runner_up
    other, currency = decision.of(row), decision.policy.currency
    there = " there" if decision.situation.zone else ""
    return (
        f"; {'the cheapest quote' if cheaper else 'the next best'}, {_called(other)} ({amount(other.price_minor, currency)}), "
        f"collects {percent(row.p)}{there} and comes to {about(row.index, currency)}"
    )


def _remarks(decision: Decision) -> str:
    """What stood above the plain rule, if anything did."""
    remarks = ""
    if decision.override is not None:
        remarks += _OVERRIDES[decision.override]
    if decision.explored:
        remarks += " It was drawn from near-equal carriers by your shuffle."
    if decision.floor_dropped:
        remarks += f" No carrier reaches your floor of {percent(decision.policy.floor or 0)}, so it was dropped."
    return remarks


_OVERRIDES = {
    Override.PINNED: " You pinned it for this pickup.",
    Override.PREFERRED: " Your preferred order decided, not the expected cost.",
}


def _afterwards(decision: Decision) -> str:
    if decision.next_in_line is None:
        return " If the visit fails, no other carrier is in line."
    return f" If the visit fails, {_called(decision.of(decision.next_in_line))} is next."


def _nobody(decision: Decision) -> str:
    if not decision.rows:
        return f"No carrier can be asked: {_causes(decision) or 'there is no carrier account'}."
    row, currency = min(decision.rows, key=lambda row: row.index), decision.policy.currency
    best = decision.of(row)
    return (
        f"No carrier is worth asking: the best, {_called(best)} at {amount(best.price_minor, currency)}, comes to "
        f"{about(row.index, currency)} per collected return; from {amount(decision.limit, currency)} on a person takes over."
    )


def _causes(decision: Decision) -> str:
    counted: dict[str, int] = {}
    for barred in decision.barred:
        counted[barred.cause] = counted.get(barred.cause, 0) + 1
    return ", ".join(f"{number} {cause.replace('_', ' ')}" for cause, number in counted.items())


# --- figures --------------------------------------------------------------------------------------


def amount(minor: int, currency: str) -> str:
    """An exact amount: "Rs 96", "Rs 96.50", "JPY 96"."""
    digits = exponent(currency)
    whole, rest = divmod(minor, 10**digits)
    symbol = _SYMBOLS.get(currency) or f"{currency} "
    return f"{symbol}{whole}.{rest:0{digits}d}" if rest else f"{symbol}{whole}"


def about(minor: float, currency: str) -> str:
    """An expected amount: to the unit from 10 units on, below to the minor unit."""
    unit = 10 ** exponent(currency)
    return amount(round(minor / unit) * unit if minor >= 10 * unit else round(minor), currency)


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def evidence(estimate: Estimate, factor: float) -> str:
    """What a chance rests on; honest where nothing was seen yet. `factor` turns the first visit's range into this visit's."""
    seen, elsewhere = round(estimate.visits), round(estimate.elsewhere)
    spread = f"95 % range {min(estimate.low * factor, 1) * 100:.0f}-{min(estimate.high * factor, 1) * 100:.0f} %"
    if seen:
        return f"{_visits(seen)}, weight on the last two months, {spread}"
    if elsewhere:
        return f"no visits on this lane yet, judged by {_visits(elsewhere)} elsewhere, {spread}"
    by = "" if estimate.prior == "assumed" else f" by {estimate.prior}"
    return f"no visits seen yet, assumed{by} {percent(estimate.p * factor)}"


def _visits(number: int) -> str:
    return "1 visit" if number == 1 else f"{number} visits"
