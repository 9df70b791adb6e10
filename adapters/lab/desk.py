"""The desk: what a side's handlers may do, for one account, inside the transaction of one call (`side.Desk`).

World faults, by rule or by magic phone, are put on a booking here; a wire fault asked for by the phone is left in
`fault` for the engine, which ends the call with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from adapters.contract.scans import Reason
from adapters.lab import faults
from adapters.lab.books import Marks
from adapters.lab.faults import EVERY_TIME, WIRE, WORLD, Fault, Kind, Rule
from adapters.lab.life import Life
from adapters.lab.side import Consignment
from adapters.lab.worlds import world_of

_LATE = 6 * 3600  # seconds, where a fault does not say


class LabDesk:
    """`number` is the carrier's place in the lab, for magic values; `operation` the route's, for rules."""

    def __init__(self, life: Life, number: int, operation: str) -> None:
        self.account = life.account
        self.now = life.now
        self.fault: Fault | None = None
        self.struck = ""  # the reference that has now had its magic wire fault
        self._life = life
        self._books = life.books
        self._carrier = life.side.carrier
        self._number = number
        self._operation = operation

    def dice(self, *salt: str) -> float:
        return self._life.dice("side", *salt)

    def next_number(self, series: str) -> int:
        return self._books.next_number(self._carrier, self.account, series)

    def open(self, consignment: Consignment) -> None:
        self._life.begin(consignment, self._marks(consignment))
        self._strike_once(consignment)

    def by_awb(self, awb: str) -> Consignment | None:
        entry = self._books.entry(self._carrier, self.account, awb)
        return entry.consignment if entry else None

    def by_reference(self, reference: str) -> list[Consignment]:
        return self._books.by_reference(self._carrier, self.account, reference)

    def cancel(self, awb: str, reason: Reason) -> None:
        self._life.strike_out(awb, reason)

    def visit_again(self, awb: str, day: dt.date | None) -> None:
        self._life.go_again(awb, day)

    def update(self, awb: str, **details: Any) -> None:
        entry = self._life.entry(awb)
        entry.consignment.details |= details
        self._books.save(self._carrier, self.account, entry)

    def remember(self, key: str, value: Any) -> None:
        self._books.keep(self._carrier, self.account, key, value)

    def recall(self, key: str) -> Any:
        return self._books.kept(self._carrier, self.account, key)

    def recall_below(self, prefix: str) -> list[Any]:
        return self._books.kept_below(self._carrier, self.account, prefix)

    def price_factor(self, origin: str, destination: str) -> float:
        price = world_of(self._books, self._carrier, self.account, origin, destination).price
        return 1.0 if price is None else price

    def serves(self, postal_code: str) -> bool:
        world = world_of(self._books, self._carrier, self.account, postal_code, "")
        return world.serviceable is not False and not faults.not_served(postal_code, self._number)

    # --- faults ---

    def _marks(self, consignment: Consignment) -> Marks:
        marks = Marks()
        for rule in self._books.rules():
            if rule.order.kind in WORLD and self.fires(rule):
                marks = marked(marks, rule.order)
        magic = faults.of_phone(consignment.phone, self._number)
        return marked(marks, magic) if magic and magic.kind in WORLD else marks

    def fires(self, rule: Rule) -> bool:
        """Does the rule strike this call or booking? Counted, if it applies at all."""
        if not faults.applies(rule, self._carrier, self.account, self._operation):
            return False
        turn = self.next_number(f"_rule:{rule.id}")
        struck = faults.fires(rule, self._life.dice("rule", str(rule.id), str(turn)))
        self._books.count_rule(replace(rule, seen=rule.seen + 1, fired=rule.fired + struck))
        return struck

    def _strike_once(self, consignment: Consignment) -> None:
        """A magic wire fault strikes a reference once, so that asking again can succeed; a refusal stays one."""
        magic = faults.of_phone(consignment.phone, self._number)
        if magic is None or magic.kind not in WIRE:
            return
        reference = consignment.reference or consignment.phone
        if magic.kind in EVERY_TIME or not self.recall(struck_key(reference)):
            self.fault, self.struck = magic, reference


def struck_key(reference: str) -> str:
    return f"_struck:{reference}"


def marked(marks: Marks, fault: Fault) -> Marks:
    """The marks of a booking after one more world fault."""
    return _MARKED[fault.kind](marks, fault)


def _failing(marks: Marks, fault: Fault) -> Marks:
    qc = fault.kind is Kind.QC_FAILS
    return replace(marks, failing=fault.visits or 0, every_visit=fault.visits is None, reason=fault.reason, qc=qc)


def _late(marks: Marks, fault: Fault) -> Marks:
    return replace(marks, late=_LATE if fault.delay_ms is None else fault.delay_ms // 1000)


_MARKED: Mapping[Kind, Callable[[Marks, Fault], Marks]] = {
    Kind.SILENT: lambda marks, fault: replace(marks, silent=True),
    Kind.VISIT_FAILS: _failing,
    Kind.VISIT_SUCCEEDS: lambda marks, fault: replace(marks, lucky=True),
    Kind.QC_FAILS: _failing,
    Kind.SCANS_LATE: _late,
    Kind.SCANS_TWICE: lambda marks, fault: replace(marks, twice=True),
    Kind.SCANS_OUT_OF_ORDER: lambda marks, fault: replace(marks, swapped=True),
    Kind.LOST: lambda marks, fault: replace(marks, lost=True),
    Kind.PUSHES_LOST: lambda marks, fault: replace(marks, unpushed=True),
}
