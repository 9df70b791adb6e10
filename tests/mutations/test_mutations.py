"""Five hundred spoilt replies of each carrier: none breaks the reader, none is a yes that it does not say."""

from __future__ import annotations

import pytest

from gateway.carriers import registry
from tests.mutations.judging import objection
from tests.mutations.running import another_booking, corpus, run

NUMBER, SEED = 500, 1


@pytest.mark.parametrize("carrier", registry.codes())
def test_a_spoilt_reply_is_never_a_false_yes(carrier):
    assert [(one.operation, one.number, one.how, one.what) for one in run(carrier, NUMBER, SEED).failures] == []


@pytest.mark.parametrize("carrier", registry.codes())
def test_the_judge_finds_nothing_wrong_with_good_replies(carrier):
    found = {(one.name, one.index): objection(one, one.response, one.answer) for one in corpus(carrier)}
    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.parametrize("carrier", registry.codes())
def test_the_judge_objects_to_a_yes_about_another_booking(carrier):
    """What the carrier said of another booking is no yes to ours, whatever was read from it."""
    ours = {(one.name, one.step.name): one for one in corpus(carrier)}
    theirs = [one for one in another_booking(carrier) if (one.name, one.step.name) in ours and one.name in ("book", "cancel")]
    yes = [one for one in theirs if type(one.answer).__name__ in ("Booked", "Cancelled")]
    assert {one.name for one in yes} == {"book", "cancel"}
    assert all(objection(ours[one.name, one.step.name], one.response, one.answer) for one in yes)
