"""The people of the demonstration: customers who answer, a merchant who decides, an operator who looks into a carrier's panel.

Each exception that waits for a person is answered once per version, as its reason calls for; what is repeatedly handed over
is called off.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping
from typing import Any

from gateway.demo.api import Api, Lab, Pickup, Problem, Trouble

_MOST_REQUEUES = 2
_WAITING = "waiting_customer,needs_decision"


class People:
    """Answers what automation leaves to people. `said` is told what somebody did: (reference, words)."""

    def __init__(self, api: Api, lab: Lab, said: Callable[[str, str], None]) -> None:
        self._api = api
        self._lab = lab
        self._said = said
        self._answered: set[tuple[str, int]] = set()
        self._requeued: collections.Counter[str] = collections.Counter()
        self.helped: set[str] = set()  # ids of exceptions a person had a hand in

    def look(self, pickups: Mapping[str, Pickup]) -> int:
        """Answer what waits; how many answers were given."""
        waiting = self._api.all("/exceptions", Trouble, state=_WAITING)
        return sum(self.answer(one, pickups[one.pickup]) for one in waiting if one.pickup in pickups)

    def answer(self, trouble: Trouble, pickup: Pickup) -> bool:
        """Whether an answer was given, and taken: the pickup may have gone on meanwhile."""
        if (trouble.id, trouble.version) in self._answered:
            return False
        self._answered.add((trouble.id, trouble.version))
        answer = _ANSWERS.get(trouble.reason, People._whatever)
        try:
            words = answer(self, trouble, pickup)
        except Problem as problem:
            if problem.status != 409:
                raise
            return False
        self.helped.add(trouble.id)
        self._said(trouble.reference, words)
        return True

    # --- customers ---

    def _gives_another_phone(self, trouble: Trouble, pickup: Pickup) -> str:
        return self._corrects(trouble, "customer: gives another phone", phone="+919820500500", note="Call before coming.")

    def _names_a_landmark(self, trouble: Trouble, pickup: Pickup) -> str:
        corrected = {"landmark": "Opposite the post office", "note": "Blue gate, ask at the shop."}
        return self._corrects(trouble, "customer: completes the address", **corrected)

    def _wants_it_off(self, trouble: Trouble, pickup: Pickup) -> str:
        self._act(trouble, action="confirm", note="The customer keeps the goods.")
        return "customer: keeps the goods, the return is off"

    def _never_cancelled(self, trouble: Trouble, pickup: Pickup) -> str:
        if trouble.state != "waiting_customer":
            return self._again_or_off(trouble)
        self._act(trouble, action="dispute", note="The customer says that nobody asked.")
        return "customer: never cancelled, wants the rider to come"

    # --- the merchant ---

    def _not_as_agreed(self, trouble: Trouble, pickup: Pickup) -> str:
        self._act(trouble, action="cancel", note="The goods are not those that were sold.")
        return "merchant: does not take these goods back, the return is off"

    # --- the operator ---

    def _looks_into_the_panel(self, trouble: Trouble, pickup: Pickup) -> str:
        booking = pickup.booking(trouble.booking)
        awb = self._lab.awb_of(booking.carrier, booking.carrier_reference) if booking else ""
        if awb:
            self._act(trouble, action="adopt", awb=awb)
            return f"operator: finds AWB {awb} in {trouble.carrier}'s panel"
        self._act(trouble, action="not_booked")
        return f"operator: {trouble.carrier}'s panel shows nothing, it may be asked again"

    def _whatever(self, trouble: Trouble, pickup: Pickup) -> str:
        if trouble.state == "waiting_customer":
            self._act(trouble, action="confirm")
            return f"customer: is ready for another visit ({trouble.reason})"
        return self._again_or_off(trouble)

    def _again_or_off(self, trouble: Trouble) -> str:
        self._requeued[trouble.pickup] += 1
        if self._requeued[trouble.pickup] > _MOST_REQUEUES:
            self._act(trouble, action="cancel")
            return f"operator: calls it off ({trouble.reason})"
        self._act(trouble, action="requeue")
        return f"operator: queues it again ({trouble.reason})"

    # --- how they say it ---

    def _corrects(self, trouble: Trouble, words: str, **corrected: str) -> str:
        """Where the customer is asked: what is left to a person waits for one, whatever is corrected."""
        if trouble.state != "waiting_customer":
            return self._again_or_off(trouble)
        self._api.post(f"/pickups/{trouble.pickup}/contact", corrected, Pickup)
        return words

    def _act(self, trouble: Trouble, **what: str) -> None:
        self._api.post(f"/exceptions/{trouble.id}/actions", {**what, "version": trouble.version}, dict[str, Any])


_Answer = Callable[[People, Trouble, Pickup], str]

_ANSWERS: Mapping[str, _Answer] = {
    "customer_unreachable": People._gives_another_phone,
    "wrong_phone": People._gives_another_phone,
    "address_incomplete": People._names_a_landmark,
    "address_not_found": People._names_a_landmark,
    "customer_declined": People._wants_it_off,
    "cancelled_by_customer": People._never_cancelled,
    "qc_mismatch": People._not_as_agreed,
    "qc_damaged_or_used": People._not_as_agreed,
    "qc_quantity_mismatch": People._not_as_agreed,
    "qc_failed_other": People._not_as_agreed,
    "booking_unknown": People._looks_into_the_panel,
}
