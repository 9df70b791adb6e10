"""The end of the demonstration in two tables: by carrier, and how what went wrong was healed.

Cost is reckoned as the choice reckons it: the price due, what each failed visit, each move to another carrier and each day of
waiting costs by the merchant's policy. So it can be held against the expected cost the carrier was chosen by.
"""

from __future__ import annotations

import collections
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec
from rich.table import Table

from gateway.demo.api import Amount, Offer, Pickup, Trouble
from gateway.demo.telling import name


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Of the merchant's policy."""

    failed_visit: Decimal
    move: Decimal
    day: Decimal


class Line(msgspec.Struct, kw_only=True):
    """One carrier's share. `first` are first visits that ended, `at_once` those that collected; money is of what it collected."""

    booked: int = 0
    visits: int = 0
    first: int = 0
    at_once: int = 0
    collected: int = 0
    price: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)


def by_carrier(pickups: Iterable[Pickup], expected: Mapping[str, Offer], costs: Costs) -> dict[str, Line]:
    """`expected` by pickup: the offer that was chosen when this run first saw it."""
    lines: dict[str, Line] = collections.defaultdict(Line)
    for pickup in pickups:
        for booking in pickup.bookings:
            if booking.awb:
                _count(lines[booking.carrier], [one.outcome for one in pickup.visits if one.booking == booking.id])
        collector = next((one for one in pickup.bookings if one.state == "done"), None)
        if collector:
            line = lines[collector.carrier]
            line.collected += 1
            line.price += _due(collector.price, pickup)
            line.cost += cost(pickup, costs)
            line.expected += _decimal(expected[pickup.id].expected_cost) if pickup.id in expected else Decimal(0)
    return dict(sorted(lines.items()))


def _count(line: Line, outcomes: Sequence[str]) -> None:
    line.booked += 1
    line.visits += len(outcomes)
    line.first += bool(outcomes)
    line.at_once += outcomes[:1] == ["collected"]


def cost(pickup: Pickup, costs: Costs) -> Decimal:
    """What collecting it came to, all in."""
    due = sum((_due(one.price, pickup) for one in pickup.bookings if one.state == "done"), Decimal(0))
    failed = len([one for one in pickup.visits if one.outcome == "failed"])
    moves = len([one for one in pickup.bookings if one.awb]) - 1
    return due + costs.failed_visit * failed + costs.move * max(moves, 0) + costs.day * _days(pickup)


def _days(pickup: Pickup) -> Decimal:
    """From the request to the collection."""
    asked = next((one.at for one in pickup.events if one.type == "pickup.requested"), None)
    got = next((one.day for one in pickup.visits if one.outcome == "collected"), None)
    return Decimal(max((got - asked.date()) / dt.timedelta(days=1), 0)) if asked and got else Decimal(0)


def _due(price: Amount | None, pickup: Pickup) -> Decimal:
    """In the merchant's currency, at the rate of the choice."""
    rate = pickup.decision.chosen.exchange_rate if pickup.decision and pickup.decision.chosen else None
    same = rate is None or price is None or price.currency != rate.source_currency
    return _decimal(price) if same or rate is None else _decimal(price) * rate.value


def _decimal(amount: Amount | None) -> Decimal:
    return Decimal(amount.amount) if amount else Decimal(0)


# --- tables ----------------------------------------------------------------------------------------


def carrier_table(lines: Mapping[str, Line]) -> Table:
    table = Table(title="By carrier (all simulated)", title_justify="left")
    table.add_column("carrier")
    for head in ("bookings", "collected", "visits", "first visit collects", "price", "cost all in", "expected cost"):
        table.add_column(head, justify="right")
    for code, line in lines.items():
        share = f"{line.at_once} of {line.first}" if line.first else ""
        money = (_rupees(line.price, line), _rupees(line.cost, line), _rupees(line.expected, line))
        table.add_row(name(code), str(line.booked), str(line.collected), str(line.visits), share, *money)
    return table


def _rupees(total: Decimal, line: Line) -> str:
    """The mean of a collected return."""
    return f"Rs {total / line.collected:.2f}" if line.collected else ""


def trouble_table(troubles: Sequence[Trouble], helped: frozenset[str]) -> Table:
    table = Table(title="What went wrong, and how it was healed", title_justify="left")
    table.add_column("reason")
    for head in ("times", "by itself", "with a person", "open"):
        table.add_column(head, justify="right")
    for reason, group in sorted(_grouped(troubles).items()):
        table.add_row(reason, *healed(group, helped))
    if len(troubles) > 1:
        table.add_section()
        table.add_row("in all", *healed(troubles, helped))
    return table


def _grouped(troubles: Iterable[Trouble]) -> dict[str, list[Trouble]]:
    groups: dict[str, list[Trouble]] = collections.defaultdict(list)
    for one in troubles:
        groups[one.reason].append(one)
    return groups


def healed(group: Sequence[Trouble], helped: frozenset[str]) -> tuple[str, ...]:
    """How many there were: in all, healed by itself, with a person's help, not yet."""
    still = [one for one in group if one.state != "resolved"]
    person = [one for one in group if one.state == "resolved" and one.id in helped]
    return str(len(group)), str(len(group) - len(still) - len(person)), str(len(person)), str(len(still) or "")


def ends(pickups: Sequence[Pickup]) -> str:
    """Where the returns ended, in one sentence."""
    states = collections.Counter(one.state for one in pickups)
    labels = sum(1 for one in pickups if one.label)
    told = ", ".join(f"{number} {state}" for state, number in states.most_common())
    return f"{len(pickups)} returns: {told}. {labels} packing slips or labels were made."
