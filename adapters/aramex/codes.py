"""What Aramex's update codes mean.

From the code table of one public SDK (C; the code of a real answer is among them, B). There is none for a rider on his way, nor
for a failed collection: silence, and SH312 or SH313, are all that is heard of one. SH313 does not say who cancelled.
"""

from __future__ import annotations

from types import MappingProxyType

from adapters.contract.scans import Milestone, Reason

Meaning = tuple[Milestone, Reason | None]

# Calls, messages, papers and payments: unknown on purpose. They say nothing of where the parcel is, and some come before it is
# collected.
NOTES = frozenset(
    {
        "SH071", "SH237", "SH247", "SH249", "SH250", "SH251", "SH257", "SH261", "SH270", "SH271", "SH279", "SH295", "SH296",
        "SH369", "SH382", "SH383", "SH445", "SH446", "SH447", "SH449", "SH456", "SH457", "SH458", "SH463", "SH479", "SH484",
        "SH504", "SH505", "SH515", "SH516", "SH517", "SH518", "SH519", "SH529", "SH537", "SH538", "SH539", "SH556", "SH562",
        "SH563",
    }
)  # fmt: skip

_BY_MEANING: tuple[tuple[Meaning, str], ...] = (
    ((Milestone.LABEL_CREATED, None), "SH014 SH203 SH278 SH299 SH442 SH443 SH444"),  # SH299: not handed over yet
    ((Milestone.PICKUP_SCHEDULED, None), "SH308 SH312 SH448"),  # SH312: for another time
    ((Milestone.CANCELLED, Reason.UNKNOWN), "SH313"),
    ((Milestone.PICKED_UP, None), "SH012 SH314"),
    (
        (Milestone.IN_TRANSIT, None),
        "SH001 SH007 SH022 SH047 SH070 SH073 SH077 SH110 SH160 SH222 SH228 SH230 SH252 SH259 SH260 SH272 SH273 SH406 SH434 SH438 "
        "SH451 SH452 SH454 SH459 SH460 SH461 SH475 SH493 SH494 SH495 SH513 SH521",
    ),
    (
        (Milestone.CUSTOMS, None),
        "SH034 SH035 SH041 SH158 SH163 SH280 SH281 SH450 SH462 SH464 SH466 SH467 SH468 SH469 SH470 SH471 SH472 SH473 SH540 SH542 "
        "SH543 SH544 SH546 SH547 SH548 SH549",
    ),
    ((Milestone.DELAYED, None), "SH044 SH074 SH076 SH162 SH376 SH453 SH455 SH465"),
    ((Milestone.ON_HOLD, None), "SH008 SH043 SH156 SH275 SH294 SH375 SH381 SH410 SH480 SH492 SH531"),
    ((Milestone.OUT_FOR_DELIVERY, None), "SH003 SH004"),
    ((Milestone.DELIVERY_FAILED, Reason.CUSTOMER_DECLINED), "SH033"),
    ((Milestone.DELIVERY_FAILED, Reason.UNKNOWN), "SH157"),
    ((Milestone.DELIVERY_FAILED, Reason.MAX_VISITS_REACHED), "SH498"),
    ((Milestone.AWAITING_COLLECTION, None), "SH164 SH491 SH499 SH530 SH532 SH533 SH560"),  # by its recipient
    ((Milestone.DELIVERED, None), "SH005 SH006 SH154 SH234 SH236 SH408 SH496 SH534"),
    ((Milestone.RETURNING, None), "SH474"),
    ((Milestone.RETURNED_TO_SENDER, None), "SH069 SH407 SH559"),
)
CODES = MappingProxyType({code: meaning for meaning, codes in _BY_MEANING for code in codes.split()})


def meaning(code: str) -> Meaning:
    """A note, and a code that is nowhere here, is unknown."""
    return CODES.get(code, (Milestone.UNKNOWN, None))
