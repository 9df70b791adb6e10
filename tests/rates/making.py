"""Small factories: each names only what a test is about."""

from __future__ import annotations

import datetime as dt

import msgspec

from adapters.contract.orders import Parcel
from adapters.contract.places import Lane
from adapters.contract.units import Length, Money, Weight
from rates.choice import Candidate, Situation
from rates.estimates import Estimate, interval
from rates.policy import DEFAULT, Policy

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
TODAY = NOW.date()


def rupees(amount: str | int) -> Money:
    return Money.of(amount, "INR")


def parcel(grams: int = 700, millimetres: tuple[int, int, int] = (100, 100, 100)) -> Parcel:
    length, width, height = (Length(side) for side in millimetres)
    return Parcel(dead_weight=Weight(grams), length=length, width=width, height=height)


def lane(origin: str, destination: str) -> Lane:
    return Lane(origin=origin, destination=destination)


def estimate(p: float = 0.8, n: float = 400.0, visits: float = 370.0, elsewhere: float = 0.0, prior: str = "assumed") -> Estimate:
    low, high = interval(p, n)
    return Estimate(p=p, n=n, low=low, high=high, visits=visits, elsewhere=elsewhere, prior=prior)


def candidate(
    name: str = "Xpress", price: int = 96_00, p: float = 0.8, *, due: int = 0, days: float = 0.0, **rest: object
) -> Candidate:
    """An offer of an invented carrier, in INR, collected and failed `days` from now unless said otherwise."""
    offer = Candidate(
        account=f"cac_{name}",
        carrier=name.lower(),
        service="surface",
        name=name,
        price=Money(price, "INR"),
        price_minor=price,
        due_if_not_collected=Money(due, "INR"),
        due_minor=due,
        estimate=estimate(p),
        days_to_success=days,
        days_to_failure=days,
    )
    return msgspec.structs.replace(offer, **rest)


def policy(**settings: object) -> Policy:
    return msgspec.structs.replace(DEFAULT, **settings)


def situation(**facts: object) -> Situation:
    return msgspec.structs.replace(Situation(zone="IN-560"), **facts)
