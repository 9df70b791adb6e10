"""Scoring: each visit that ends teaches the estimates, once; what was learnt from it can be taken back, exactly.

Cells are keyed by text: `all`, `service/{moved_by}/{service}`, `zone/.../{zone}`, `code/.../{postal code}`, `later/{n}/{who}`,
`slip/{moved_by}/{service}/{collected|failed}`, and with a short memory `recent/{moved_by}/{service}/` and `recent/.../{zone}`.
What a visit gave stands with the visit, so the cells can be added up anew from the ledger and come out the same, bit for bit. A
day on which nobody was heard of counts as failed from the next one on, until the truth arrives; and no visit counts before that in
any but the recent cells (`gateway.services.ripening`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec
import sqlalchemy as sa

from adapters.contract.scans import Reason
from gateway import clock
from gateway.services.promising import door_zone, first_day
from gateway.store import scores, tables
from gateway.store.cases import Case
from gateway.store.ledger import Booking, Visit
from gateway.store.rows import Owner
from gateway.store.scores import Cells
from rates.estimates import (
    BRAKE_HALF_LIFE,
    HALF_LIFE,
    LATER_VISITS,
    SILENCE,
    Cell,
    Prior,
    brake,
    by_postcode,
    counts,
    estimate,
    exposure,
    factor,
    left,
    one_visit,
    prior_of,
    unit_at,
    visit_key,
)
from rates.zones import normal, zone

_NOTE = tables.visits.update().where(tables.visits.c.id == sa.bindparam("visit_id")).values(scored=sa.bindparam("taken"))


class Scored(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the estimates took from a visit: each cell with the weight the visit had in it, `recent` those of the strike brake.
    An unripe visit has given nothing to any `cells`.

    `chance` is what a first visit would have had, brake included: what a failure says of the customer.
    """

    at: dt.datetime
    collected: bool
    cells: dict[str, float]
    chance: float = Prior().mean
    slip: int = 0
    slip_cell: str = ""
    recent: dict[str, float] = {}


def score(
    tx: sa.Connection, case: Case, booking: Booking, visit: Visit, now: dt.datetime, *, whatever_the_day: bool = False
) -> None:
    """Let the estimates learn from the visit as it now stands, in place of what they learnt from it before.

    Until it is ripe only the brake does, but `whatever_the_day`.
    """
    cells = _Cells(tx, case.owner, _keys(case, booking))
    cells.take_back(_read(visit.scored))
    if visit.outcome != "out":
        _end_silences(tx, cells, booking, visit.day)
    scored = _scored(cells.known, case, booking, visit, visit.ended_at or now)
    if scored and not whatever_the_day and not _ripe(case, booking, visit, now):
        scored = msgspec.structs.replace(scored, cells={}, slip_cell="")
    cells.add(scored)
    cells.store()
    tx.execute(_NOTE, {"visit_id": visit.id, "taken": scored})


def take_back_visit(tx: sa.Connection, owner: Owner, visit: Visit) -> None:
    """As if the visit had never been counted."""
    cells = _Cells(tx, owner, ())
    cells.take_back(_read(visit.scored))
    cells.store()


def count_silence(tx: sa.Connection, case: Case, booking: Booking, day: dt.date, now: dt.datetime) -> bool:
    """Count the promised day as a failed visit, once; whether it was not counted yet."""
    if day in scores.silences(tx, booking.id):
        return False
    cells = _Cells(tx, case.owner, _keys(case, booking))
    scored = msgspec.structs.replace(_judged(cells.known, case, booking, _unheard_of(booking, day), now), slip_cell="")
    cells.add(scored)
    cells.store()
    scores.keep_silence(tx, case.owner, booking.id, day, scored)
    return True


def unripe(visit: Visit) -> bool:
    """Whether it tells of its carrier's chances, and does not count yet."""
    return visit.scored is not None and not visit.scored["cells"]


def ripens_on(case: Case, booking: Booking, visit: Visit) -> dt.date:
    """The first day, at the door, on which it counts."""
    return (_promised(case, booking) if visit.number == 1 else visit.day) + SILENCE


def _ripe(case: Case, booking: Booking, visit: Visit, now: dt.datetime) -> bool:
    return ripens_on(case, booking, visit) <= clock.local_date(now, door_zone(case, booking))


def _unheard_of(booking: Booking, day: dt.date) -> Visit:
    return Visit(
        id="",
        merchant_id=booking.merchant_id,
        mode=booking.mode,
        pickup_id=booking.pickup_id,
        booking_id=booking.id,
        number=0,
        day=day,
        outcome="failed",
        reason=Reason.NO_EVENT,
    )


def _end_silences(tx: sa.Connection, cells: _Cells, booking: Booking, day: dt.date) -> None:
    """The truth has arrived: guesses about days up to this one are taken back."""
    for guessed, scored in scores.silences(tx, booking.id).items():
        if guessed <= day:
            cells.take_back(_read(scored))
            scores.drop_silence(tx, booking.id, guessed)


def _read(scored: object) -> Scored | None:
    return msgspec.convert(scored, Scored) if scored else None


class _Cells:
    """Cells on their way from the ledger and back."""

    def __init__(self, tx: sa.Connection, owner: Owner, keys: Iterable[str]) -> None:
        self._tx = tx
        self._owner = owner
        self._changed: set[str] = set()
        self.known: Cells = scores.locked(tx, owner, keys) if keys else {}

    def add(self, scored: Scored | None) -> None:
        self._change(scored, +1)

    def take_back(self, scored: Scored | None) -> None:
        self._change(scored, -1)

    def _change(self, scored: Scored | None, sign: int) -> None:
        parts = given(scored) if scored else {}
        missing = parts.keys() - self.known.keys()
        if missing:
            self.known |= scores.locked(self._tx, self._owner, missing)
        for key, part in parts.items():
            self.known[key] = self.known[key] + part if sign > 0 else self.known[key] - part
        self._changed |= parts.keys()

    def store(self) -> None:
        scores.write(self._tx, self._owner, {key: self.known[key] for key in sorted(self._changed)})


def given(scored: Scored) -> Cells:
    """What it adds to each cell."""
    return {key: part for keys, part in _parts(scored) for key in keys}


def _parts(scored: Scored) -> Iterator[tuple[tuple[str, ...], Cell]]:
    """Cells that get the same, with what they get. Slip cells keep (total, count) in the two columns."""
    unit = unit_at(scored.at, HALF_LIFE)
    for weights, weighs in ((scored.cells, unit), (scored.recent, unit_at(scored.at, BRAKE_HALF_LIFE))):
        different = set(weights.values())
        for weight in different:
            keys = tuple(weights) if len(different) == 1 else tuple([key for key in weights if weights[key] == weight])
            yield keys, one_visit(weighs, scored.collected, weight)
    if scored.slip_cell:
        yield (scored.slip_cell,), Cell(scored.slip * unit, unit)


# --- what a visit says -----------------------------------------------------------------------------


def _scored(known: Mapping[str, Cell], case: Case, booking: Booking, visit: Visit, at: dt.datetime) -> Scored | None:
    if visit.outcome == "out":
        return None
    if visit.outcome == "failed" and not (visit.reason and says_something(visit)):
        return None
    return _judged(known, case, booking, visit, at)


def says_something(visit: Visit) -> bool:
    """Whether a failed visit tells of the carrier's chances: not where nobody's or confirmed to be the customer's doing."""
    return visit.reason is not None and counts(visit.reason, confirmed=visit.confirmed, disputed=visit.disputed)


def _judged(known: Mapping[str, Cell], case: Case, booking: Booking, visit: Visit, at: dt.datetime) -> Scored:
    """A later visit weighs less: the easy customers are gone. How much less is itself learnt, against the first-visit chance."""
    pair, collected = (booking.moved_by, booking.service), visit.outcome == "collected"
    place, code = _where(case)
    earlier = before(case, visit)
    missed, same = _chances(earlier), bool(earlier) and _by_the_same(case, visit, earlier[-1])
    g, first = factor(missed, same, later_cells(known), at), _first_chance(known, pair, place, code, at)
    braked = brake(known[recent_key(*pair)], known[recent_key(*pair, place)], at)
    cells = ("all", service_key(*pair), zone_key(*pair, place), code_key(*pair, code))
    later = visit_key(len(missed) + 1, same)
    return Scored(
        at=at,
        collected=collected,
        cells=dict.fromkeys(cells, exposure(g, braked)) | ({later_key(*later): first * left(missed)} if later else {}),
        chance=first * braked,
        recent=dict.fromkeys((recent_key(*pair), recent_key(*pair, place)), first * g),
        slip=_slip(case, booking, visit) if visit.number == 1 else 0,
        slip_cell=slip_key(*pair, collected=collected),
    )


def _first_chance(known: Mapping[str, Cell], pair: tuple[str, str], place: str, code: str, at: dt.datetime) -> float:
    prior = prior_of(known["all"], at, Prior())
    here = known[code_key(*pair, code)] if by_postcode(known["all"], at) else None
    return estimate(known[service_key(*pair)], known[zone_key(*pair, place)], prior, at, here).p


def _slip(case: Case, booking: Booking, visit: Visit) -> int:
    return max((visit.day - _promised(case, booking)).days, 0)


def _promised(case: Case, booking: Booking) -> dt.date:
    return first_day(case, booking, booking.booked_at or case.pickup.business_created_at)


def before(case: Case, visit: Visit) -> list[Visit]:
    """The visits until then that tell of the customer, oldest first."""
    earlier = (one for one in case.visits if one.id != visit.id and one.day <= visit.day and one.tells_of_the_customer)
    return sorted(earlier, key=lambda one: one.day)


def failed(case: Case) -> tuple[float, ...]:
    """The chances that the pickup's visits so far had, of those that tell of the customer."""
    return _chances(one for one in case.visits if one.tells_of_the_customer)


def _chances(visits: Iterable[Visit]) -> tuple[float, ...]:
    """As they were counted; one that the estimates took nothing from had the chance that is assumed."""
    return tuple(scored.chance if (scored := _read(one.scored)) else Prior().mean for one in visits)


def _by_the_same(case: Case, visit: Visit, other: Visit) -> bool:
    carriers = {one.id: one.moved_by for one in case.bookings}
    return carriers[other.booking_id] == carriers[visit.booking_id]


# --- keys ------------------------------------------------------------------------------------------


def _where(case: Case) -> tuple[str, str]:
    """The shipper's zone and postal code, each named within its country."""
    shipper = case.people.shipper
    return zone(shipper.postal_code, shipper.country), place_key(shipper.postal_code, shipper.country)


def _keys(case: Case, booking: Booking) -> tuple[str, ...]:
    """All that a visit of this booking may change, and what its weight depends on."""
    return keys_of((booking.moved_by, booking.service), *_where(case))


def keys_of(pair: tuple[str, str], place: str, code: str) -> tuple[str, ...]:
    """Every cell that speaks of a service there."""
    return (
        "all",
        service_key(*pair),
        zone_key(*pair, place),
        code_key(*pair, code),
        recent_key(*pair),
        recent_key(*pair, place),
        *(slip_key(*pair, collected=collected) for collected in (True, False)),
        *(later_key(*key) for key in LATER_VISITS),
    )


def place_key(postal_code: str, country: str) -> str:
    return f"{country}-{normal(postal_code)}"


def service_key(moved_by: str, service: str) -> str:
    return f"service/{moved_by}/{service}"


def zone_key(moved_by: str, service: str, place: str) -> str:
    return f"zone/{moved_by}/{service}/{place}"


def code_key(moved_by: str, service: str, code: str) -> str:
    return f"code/{moved_by}/{service}/{code}"


def recent_key(moved_by: str, service: str, place: str = "") -> str:
    return f"recent/{moved_by}/{service}/{place}"


def later_key(visit: int, same: bool) -> str:
    return f"later/{visit}/{'same' if same else 'other'}"


def slip_key(moved_by: str, service: str, *, collected: bool) -> str:
    return f"slip/{moved_by}/{service}/{'collected' if collected else 'failed'}"


def later_cells(cells: Mapping[str, Cell]) -> dict[tuple[int, bool], Cell]:
    return {key: cells.get(later_key(*key), Cell()) for key in LATER_VISITS}


def read(tx: sa.Connection, owner: Owner, keys: Iterable[str]) -> Cells:
    """The cells by key; one that has seen nothing is an empty one."""
    return scores.read(tx, owner, keys)


# --- from the ledger -------------------------------------------------------------------------------


def added_up(tx: sa.Connection, owner: Owner) -> Cells:
    """All cells, from what each visit and silence of the ledger gave: first by the cells that always get the same."""
    together = defaultdict[tuple[str, ...], Cell](Cell)
    for one in scores.taken(tx, owner):
        for keys, part in _parts(_DECODER.decode(one)):
            together[keys] += part
    sums = defaultdict[str, Cell](Cell)
    for keys, part in together.items():
        for key in keys:
            sums[key] += part
    return sums


_DECODER = msgspec.json.Decoder(Scored)


def differing(tx: sa.Connection, owner: Owner) -> list[str]:
    """Keys of cells that are not what the ledger adds up to."""
    kept, true = scores.every(tx, owner), added_up(tx, owner)
    return sorted(key for key in kept.keys() | true.keys() if kept.get(key, Cell()) != true.get(key, Cell()))


def rebuild(tx: sa.Connection, owner: Owner) -> int:
    """Write the cells anew; how many."""
    cells = added_up(tx, owner)
    scores.replace_all(tx, owner, cells)
    return len(cells)
