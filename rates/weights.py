"""What a consignment weighs for the bill: the larger of its dead and its volumetric weight, rounded up to the slab.

A card's divisor turns cubic centimetres into kilograms; in our units the thousands cancel, so cubic
millimetres over the divisor are grams. Whether a carrier compares the two weights per parcel or per
consignment is not documented by those we know: per parcel is assumed, the dearer reading.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.contract.orders import Parcel
from adapters.contract.units import Weight


def volumetric(parcel: Parcel, divisor: int) -> Weight:
    """Length x width x height in cm over `divisor`, in kg; here in whole grams, rounded up."""
    cubic_millimetres = parcel.length.millimetres * parcel.width.millimetres * parcel.height.millimetres
    return Weight(round_up(cubic_millimetres, divisor) // divisor)


def chargeable(parcels: Iterable[Parcel], divisor: int, slab: Weight) -> Weight:
    """Each parcel's larger weight, added up, the sum rounded up to a whole slab (one slab at least)."""
    grams = sum(max(parcel.dead_weight, volumetric(parcel, divisor)).grams for parcel in parcels)
    return Weight(round_up(max(grams, 1), slab.grams))


def round_up(amount: int, step: int) -> int:
    """The smallest multiple of `step` that is not below `amount`."""
    return -(-amount // step) * step
