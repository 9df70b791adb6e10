"""What the choice is made from and what it answers: candidates and situation in, a decision out.

A decision holds every input, the rule's version and the whole reckoning: it is the audit trail and the set replays run on.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping

import msgspec

from adapters.contract.units import Money
from rates.currency import Rate
from rates.estimates import Estimate
from rates.filters import Barred
from rates.policy import Policy

Key = tuple[str, str, str]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An offer with all the choice needs. `price` and `due_if_not_collected` are as quoted, `..._minor` in the policy's currency.

    The chance of this visit is `estimate.p * g * brake`: `g` for visit number `visit` of the pickup, `brake` after a bad run. Days
    count from now. `sources` say where the figures come from ("price": "rate card ...").
    """

    account: str
    carrier: str
    service: str
    price: Money
    price_minor: int
    due_if_not_collected: Money
    due_minor: int
    estimate: Estimate
    days_to_success: float
    days_to_failure: float
    name: str = ""
    moved_by: str = ""
    tat_days: int | None = None
    firm: bool = False
    expires_at: dt.datetime | None = None
    rate: Rate | None = None
    visit: int = 1
    g: float = 1.0
    brake: float = 1.0
    sources: Mapping[str, str] = {}

    @property
    def key(self) -> Key:
        """What a fail-over leaves: the account, who moves it, and by which service."""
        return (self.account, self.moved_by or self.carrier, self.service)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pickup stands: days since it was asked for, who holds it now (None: nobody), visits made, the shipper's zone.

    `pinned` is the merchant's word for this pickup; `follows` the id of the decision this one replaces.
    """

    elapsed_days: float = 0.0
    current: Key | None = None
    visits: int = 0
    zone: str = ""
    pinned: str = ""
    follows: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate's figures: `index` and its parts, in minor units of the policy's currency. `candidate` is its position."""

    candidate: int
    p: float
    cost_if_collected: float
    cost_if_failed: float
    failover: int
    index: float
    reliable: bool
    preference: int


class Why(enum.StrEnum):
    CHOSEN = "chosen"
    TOO_DEAR = "too_dear"
    NO_CANDIDATE = "no_candidate"


class Override(enum.StrEnum):
    """The merchant's word stood above the index."""

    PINNED = "pinned"
    PREFERRED = "preferred"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One choice, complete.

    `rows` are in the order they would be asked. `limit` is the index at which a person takes over. `runner_up` is the cheapest
    of the others, `next_in_line` who would be asked after a failure as things stand. `propensity` is the chance this choice had.
    """

    rule: str
    at: dt.datetime
    candidates: tuple[Candidate, ...]
    barred: tuple[Barred, ...]
    policy: Policy
    situation: Situation
    dice: float
    rows: tuple[Row, ...]
    limit: int
    chosen: Row | None
    why: Why
    runner_up: Row | None
    next_in_line: Row | None
    propensity: float
    floor_dropped: bool
    override: Override | None
    explored: bool
    sentence: str = ""

    def of(self, row: Row) -> Candidate:
        """The candidate a row is about."""
        return self.candidates[row.candidate]
