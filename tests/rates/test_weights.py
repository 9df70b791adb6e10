from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.units import Weight
from rates.weights import chargeable, volumetric
from tests.rates.making import parcel


def test_volumetric_weight_is_the_box_in_centimetres_over_the_divisor_in_kilograms():
    assert volumetric(parcel(millimetres=(400, 300, 200)), 5000) == Weight(4800)


def test_a_begun_gram_counts_as_a_whole_one():
    assert volumetric(parcel(millimetres=(100, 100, 101)), 5000) == Weight(202)
    assert volumetric(parcel(millimetres=(10, 10, 10)), 5000) == Weight(1)


def test_the_larger_weight_is_charged_rounded_up_to_the_slab():
    assert chargeable([parcel(grams=700)], 5000, Weight(500)) == Weight(1000)
    assert chargeable([parcel(grams=100, millimetres=(400, 300, 200))], 5000, Weight(500)) == Weight(5000)


def test_exactly_a_slab_is_that_slab():
    assert chargeable([parcel(grams=1000)], 5000, Weight(500)) == Weight(1000)


def test_parcels_are_compared_one_by_one_and_rounded_together():
    heavy, bulky = parcel(grams=2100), parcel(grams=100, millimetres=(200, 200, 100))
    assert chargeable([heavy, bulky], 5000, Weight(500)) == Weight(3000)  # 2100 g dead and 800 g volumetric


@given(st.integers(1, 50_000), st.integers(10, 2_000), st.integers(1_000, 10_000), st.sampled_from((1, 50, 250, 500, 1000)))
def test_nothing_is_charged_below_its_weight_nor_a_whole_slab_above(grams, side, divisor, slab):
    box = parcel(grams=grams, millimetres=(side, side, side))
    true = max(grams, volumetric(box, divisor).grams)
    charged = chargeable([box], divisor, Weight(slab)).grams
    assert charged % slab == 0 and true <= charged < true + slab
