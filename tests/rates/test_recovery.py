from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.scans import Reason
from rates.recovery import Answer, Case, Limit, Past, Step, What, next_action
from rates.rules import Action, Message, Rule
from tests.rates.making import NOW, TODAY, policy, rupees

TONIGHT = NOW + dt.timedelta(hours=6)
LEVERS = {"reattempt": TONIGHT, "reschedule": NOW}
EVERYTHING = {**LEVERS, "edit_contact": NOW, "edit_address": NOW}


def case(reason: Reason = Reason.CUSTOMER_UNAVAILABLE, **facts: object) -> Case:
    return msgspec.structs.replace(Case(reason=reason, acts=LEVERS), **facts)


def after(reason: Reason, *tried: Action) -> tuple[Past, ...]:
    return tuple(Past(reason=reason, tried=action) for action in tried)


def what(given_case: Case, **settings: object) -> What:
    return next_action(given_case, policy(**settings)).what


# --- coming again ---------------------------------------------------------------------------------


def test_a_missed_customer_gets_a_slot_link_and_another_visit():
    assert next_action(case(), policy()) == Step(
        what=What.INSTRUCT,
        why="customer_unavailable: the carrier is asked to come again (try 1 of 2).",
        action=Action.REATTEMPT_NEXT_WORKING_DAY,
        message=Message.SLOT_LINK,
        act="reattempt",
        act_from=TONIGHT,
    )


def test_when_the_tries_are_used_up_a_person_decides():
    again = Action.REATTEMPT_NEXT_WORKING_DAY
    assert next_action(case(history=after(Reason.CUSTOMER_UNAVAILABLE, again, again)), policy()) == Step(
        what=What.HAND_OVER,
        why="reattempt_next_working_day was tried 2 times for customer_unavailable: a person decides.",
        action=again,
        limit=Limit.TRIES,
    )


def test_tries_for_another_reason_do_not_count():
    again = Action.REATTEMPT_NEXT_WORKING_DAY
    assert what(case(history=after(Reason.PREMISES_CLOSED, again, again))) is What.INSTRUCT


def test_an_own_visit_of_the_carrier_is_no_try_of_ours():
    waited = next_action(case(own_visits_left=1), policy())
    assert (waited.what, waited.tried) == (What.WAIT_FOR_OWN_VISIT, None)


def test_a_carrier_without_a_lever_is_booked_anew():
    step = next_action(case(acts={}), policy())
    assert (step.what, step.act) == (What.REBOOK, "")


def test_a_wanted_date_is_told_by_reschedule():
    step = next_action(case(Reason.CUSTOMER_RESCHEDULED, date=TODAY), policy())
    assert (step.what, step.act, step.act_from, step.date) == (What.INSTRUCT, "reschedule", NOW, TODAY)


def test_a_wanted_date_not_named_is_asked_for():
    step = next_action(case(Reason.CUSTOMER_RESCHEDULED), policy())
    assert (step.what, step.message) == (What.ASK_CUSTOMER, Message.SLOT_LINK)


def test_a_delay_is_waited_out_first():
    step = next_action(case(Reason.FORCE_MAJEURE), policy())
    assert (step.what, step.wait_days) == (What.INSTRUCT, 2)


# --- asking first ---------------------------------------------------------------------------------


def test_contact_comes_before_another_visit():
    assert next_action(case(Reason.WRONG_PHONE), policy()) == Step(
        what=What.ASK_CUSTOMER,
        why="wrong_phone: the customer is asked first.",
        action=Action.CONTACT_CUSTOMER_THEN_REATTEMPT,
        message=Message.CONTACT,
    )


def test_what_the_customer_corrected_is_put_right_before_the_carrier_is_sent():
    step = next_action(case(Reason.WRONG_PHONE, answer=Answer.CORRECTED, acts=EVERYTHING), policy())
    assert (step.what, step.edits, step.act, step.message) == (
        What.INSTRUCT,
        ("edit_contact", "edit_address"),
        "reattempt",
        None,
    )


def test_a_silent_customer_is_tried_again():
    assert what(case(Reason.CUSTOMER_UNREACHABLE, answer=Answer.SILENT)) is What.INSTRUCT


def test_but_not_at_an_address_that_is_still_wrong():
    step = next_action(case(Reason.ADDRESS_INCOMPLETE, answer=Answer.SILENT), policy())
    assert (step.what, step.limit) == (What.HAND_OVER, Limit.NO_ANSWER)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer.WAITING, What.ASK_CUSTOMER),
        (Answer.READY, What.ASK_CUSTOMER),
        (Answer.CORRECTED, What.REBOOK),
        (Answer.SILENT, What.HAND_OVER),
    ],
)
def test_a_wrong_postal_code_is_booked_anew_with_the_right_one(answer, expected):
    assert what(case(Reason.POSTAL_CODE_MISMATCH, answer=answer)) is expected


@pytest.mark.parametrize(
    ("answer", "expected"), [(Answer.WAITING, What.HOLD_FOR_MERCHANT), (Answer.CORRECTED, What.SWITCH_CARRIER)]
)
def test_a_heavier_parcel_goes_to_another_carrier_once_its_true_weight_is_known(answer, expected):
    assert what(case(Reason.WEIGHT_OR_SIZE_EXCEEDED, answer=answer)) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer.WAITING, What.ASK_CUSTOMER),
        (Answer.READY, What.SWITCH_CARRIER),
        (Answer.SILENT, What.HAND_OVER),
        (Answer.OFF, What.CANCEL),
    ],
)
def test_after_the_carriers_last_visit_another_needs_the_customers_fresh_word(answer, expected):
    assert what(case(Reason.MAX_VISITS_REACHED, answer=answer)) is expected


# --- cancelling, holding, closing -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "answer", "expected"),
    [
        (Reason.CUSTOMER_DECLINED, Answer.WAITING, What.ASK_CUSTOMER),
        (Reason.CUSTOMER_DECLINED, Answer.OFF, What.CANCEL),
        (Reason.CUSTOMER_DECLINED, Answer.SILENT, What.HAND_OVER),
        (Reason.CUSTOMER_DECLINED, Answer.DENIED, What.HAND_OVER),  # no tries: a person decides
        (Reason.CANCELLED_BY_CUSTOMER, Answer.DENIED, What.INSTRUCT),  # one try: reopened
        (Reason.CANCELLED_BY_CUSTOMER_VERIFIED, Answer.WAITING, What.CANCEL),
        (Reason.CANCELLED_BY_MERCHANT, Answer.WAITING, What.CANCEL),
        (Reason.ALREADY_COLLECTED, Answer.WAITING, What.CLOSE),
        (Reason.ALREADY_COLLECTED, Answer.OFF, What.CLOSE),
        (Reason.QC_MISMATCH, Answer.WAITING, What.HOLD_FOR_MERCHANT),
        (Reason.QC_MISMATCH, Answer.DENIED, What.HOLD_FOR_MERCHANT),
        (Reason.QC_MISMATCH, Answer.READY, What.INSTRUCT),
        (Reason.PAYMENT_PROBLEM, Answer.READY, What.INSTRUCT),
        (Reason.UNKNOWN, Answer.WAITING, What.REVIEW),
    ],
)
def test_cancel_hold_and_close_wait_for_the_right_word(reason, answer, expected):
    assert what(case(reason, answer=answer)) is expected


def test_silence_cancels_only_where_the_merchant_wants_it():
    silent = case(Reason.CUSTOMER_DECLINED, answer=Answer.SILENT)
    assert (what(silent), what(silent, cancel_without_answer=True)) == (What.HAND_OVER, What.CANCEL)


def test_a_reopened_cancel_is_reopened_once():
    again = case(
        Reason.CANCELLED_BY_CUSTOMER, answer=Answer.DENIED, history=after(Reason.CANCELLED_BY_CUSTOMER, Action.CONFIRM_THEN_CANCEL)
    )
    assert next_action(again, policy()).limit is Limit.TRIES


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.ALREADY_COLLECTED}))
def test_a_return_that_is_off_is_cancelled_whatever_the_reason(reason):
    assert what(case(reason, answer=Answer.OFF, visits_in_all=9, own_visits_left=2)) is What.CANCEL


# --- switching ------------------------------------------------------------------------------------


def test_a_carrier_that_does_not_come_twice_running_is_left():
    not_attempted = (Past(reason=Reason.NOT_ATTEMPTED, tried=Action.REATTEMPT_NEXT_WORKING_DAY),)
    assert what(case(Reason.NOT_ATTEMPTED)) is What.INSTRUCT
    assert what(case(Reason.NOT_ATTEMPTED, history=not_attempted)) is What.SWITCH_CARRIER
    assert what(case(Reason.NOT_ATTEMPTED, history=(*not_attempted, Past(reason=Reason.HOLIDAY)))) is What.INSTRUCT


def test_what_the_customer_denies_is_the_carriers_doing():
    once = next_action(case(answer=Answer.DENIED), policy())
    twice = next_action(case(answer=Answer.DENIED, history=(Past(reason=Reason.WRONG_PHONE, disputed=True),)), policy())
    assert (once.what, once.action) == (What.INSTRUCT, Action.REATTEMPT_NEXT_WORKING_DAY)
    assert (twice.what, twice.action) == (What.SWITCH_CARRIER, Action.SWITCH_CARRIER)


def test_silence_is_asked_about_once_and_then_left():
    asked = next_action(case(Reason.NO_EVENT), policy())
    assert (asked.what, asked.tried) == (What.POLL, Action.POLL_THEN_SWITCH)
    assert what(case(Reason.NO_EVENT, history=after(Reason.NO_EVENT, Action.POLL_THEN_SWITCH))) is What.SWITCH_CARRIER


def test_a_carrier_out_of_its_area_is_barred_for_a_week():
    step = next_action(case(Reason.OUT_OF_PICKUP_AREA), policy())
    assert (step.what, step.bar_days) == (What.SWITCH_CARRIER, 7)


def test_without_another_carrier_a_person_decides():
    step = next_action(case(Reason.CANCELLED_BY_CARRIER, another_carrier=False), policy())
    assert (step.what, step.limit, step.why) == (
        What.HAND_OVER,
        Limit.NO_CARRIER_LEFT,
        "cancelled_by_carrier calls for another carrier and none is left: a person decides.",
    )


# --- the carrier's own visits ---------------------------------------------------------------------


def test_before_an_own_visit_the_customer_is_only_written_to():
    assert next_action(case(Reason.CUSTOMER_UNREACHABLE, own_visits_left=2), policy()) == Step(
        what=What.WAIT_FOR_OWN_VISIT,
        why="customer_unreachable: the carrier comes by itself, 2 times more, so it is not told to.",
        action=Action.CONTACT_CUSTOMER_THEN_REATTEMPT,
        message=Message.CONTACT,
    )


def test_a_correction_is_passed_on_for_the_carriers_own_visit():
    step = next_action(
        case(Reason.ADDRESS_INCOMPLETE, own_visits_left=1, answer=Answer.CORRECTED, acts={"edit_address": NOW}), policy()
    )
    assert (step.what, step.edits, step.message) == (What.WAIT_FOR_OWN_VISIT, ("edit_address",), None)


def test_used_up_tries_do_not_stop_a_visit_that_comes_anyway():
    again = Action.REATTEMPT_NEXT_WORKING_DAY
    assert what(case(history=after(Reason.CUSTOMER_UNAVAILABLE, again, again), own_visits_left=1)) is What.WAIT_FOR_OWN_VISIT


def test_a_silent_carrier_that_still_comes_is_asked_and_then_waited_for():
    polled = after(Reason.NO_EVENT, Action.POLL_THEN_SWITCH)
    steps = [what(case(Reason.NO_EVENT, own_visits_left=1, history=history)) for history in ((), polled)]
    assert steps == [What.POLL, What.WAIT_FOR_OWN_VISIT]


@pytest.mark.parametrize("visits", [1, 3])
def test_visits_to_a_wrong_postal_code_are_not_waited_for(visits):
    wrong = case(Reason.POSTAL_CODE_MISMATCH, answer=Answer.CORRECTED, own_visits_left=2, visits_here=visits)
    assert what(wrong) is What.REBOOK


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "limit", "why"),
    [
        ({"days_elapsed": 10.0}, Limit.DAYS_IN_ALL, "The limit of 10 days is reached: a person decides."),
        ({"visits_in_all": 5}, Limit.VISITS_IN_ALL, "The limit of 5 visits over all carriers is reached: a person decides."),
        ({"spent": rupees(200)}, Limit.MAX_TOTAL_COST, "200.00 INR are spent, the limit is 200.00 INR: a person decides."),
        (
            {"visits_here": 3, "another_carrier": False},
            Limit.VISITS_PER_CARRIER,
            "customer_unavailable calls for another carrier and none is left: a person decides.",
        ),
    ],
)
def test_a_limit_hit_is_named(facts, limit, why):
    step = next_action(case(**facts), policy(max_total_cost=rupees(200)))
    assert (step.what, step.limit, step.why) == (What.HAND_OVER, limit, why)


@pytest.mark.parametrize("facts", [{"days_elapsed": 9.9}, {"visits_in_all": 4}, {"spent": rupees("199.99")}, {"visits_here": 2}])
def test_just_below_a_limit_it_goes_on(facts):
    assert what(case(**facts), max_total_cost=rupees(200)) is What.INSTRUCT


def test_after_its_last_visit_by_our_limit_a_carrier_is_switched():
    assert what(case(visits_here=3)) is What.SWITCH_CARRIER


@pytest.mark.parametrize(("own", "expected"), [(2, What.SWITCH_CARRIER), (4, What.INSTRUCT)])
def test_the_carriers_own_limit_comes_before_ours(own, expected):
    assert what(case(visits_here=3 if own == 4 else 2, carrier_visits=own)) is expected


def test_limits_do_not_keep_from_cancelling_or_closing():
    spent = {"days_elapsed": 99.0, "visits_in_all": 9}
    assert [what(case(reason, **spent)) for reason in (Reason.CANCELLED_BY_MERCHANT, Reason.ALREADY_COLLECTED)] == [
        What.CANCEL,
        What.CLOSE,
    ]


def test_the_merchants_own_rule_comes_first():
    rules = {Reason.UNKNOWN: Rule(action=Action.REATTEMPT_NEXT_WORKING_DAY, tries=1)}
    assert (what(case(Reason.UNKNOWN)), what(case(Reason.UNKNOWN), rules=rules)) == (What.REVIEW, What.INSTRUCT)


def test_a_rule_without_a_message_still_asks_the_customer_something():
    rules = {Reason.PREMISES_CLOSED: Rule(action=Action.CONTACT_CUSTOMER_THEN_REATTEMPT, tries=1)}
    step = next_action(case(Reason.PREMISES_CLOSED), policy(rules=rules))
    assert (step.what, step.message) == (What.ASK_CUSTOMER, Message.CONTACT)


# --- laws -----------------------------------------------------------------------------------------

pasts = st.builds(Past, reason=st.sampled_from(Reason), tried=st.none() | st.sampled_from(Action), disputed=st.booleans())
cases = st.builds(
    Case,
    reason=st.sampled_from(Reason),
    history=st.lists(pasts, max_size=4).map(tuple),
    visits_here=st.integers(0, 5),
    visits_in_all=st.integers(0, 6),
    days_elapsed=st.floats(0, 12),
    spent=st.none() | st.integers(0, 400).map(rupees),
    own_visits_left=st.integers(0, 2),
    carrier_visits=st.none() | st.integers(1, 5),
    acts=st.sets(st.sampled_from(sorted(EVERYTHING))).map(lambda names: {name: EVERYTHING[name] for name in names}),
    answer=st.sampled_from(Answer),
    date=st.none() | st.just(TODAY),
    another_carrier=st.booleans(),
)
ours = policy(max_total_cost=rupees(300))


@given(cases)
def test_a_carrier_that_still_comes_by_itself_is_neither_told_nor_left(given_case):
    step = next_action(given_case, ours)
    assert given_case.own_visits_left == 0 or step.what not in (What.INSTRUCT, What.SWITCH_CARRIER)
    assert given_case.own_visits_left > 0 or step.what is not What.WAIT_FOR_OWN_VISIT


@given(cases, st.sampled_from(({"days_elapsed": 10.0}, {"visits_in_all": 5}, {"spent": rupees(300)})))
def test_past_a_limit_nobody_is_sent(given_case, over):
    step = next_action(msgspec.structs.replace(given_case, **over), ours)
    assert step.what in {What.HAND_OVER, What.CANCEL, What.CLOSE, What.REVIEW, What.HOLD_FOR_MERCHANT}


@given(cases)
def test_a_step_says_why_and_can_be_taken(given_case):
    step = next_action(given_case, ours)
    assert step.why.endswith(".") and step.why.count(". ") == 0
    assert (step.what is What.HAND_OVER) == (step.limit is not None)
    assert (step.what is What.INSTRUCT) == bool(step.act) and set(step.edits) | ({step.act} - {""}) <= set(given_case.acts)
    assert given_case.another_carrier or step.what is not What.SWITCH_CARRIER
    assert step.what is not What.ASK_CUSTOMER or step.message is not None


@given(st.lists(st.sampled_from(Reason), min_size=30, max_size=30), st.sampled_from(({}, LEVERS)), st.sampled_from(Answer))
def test_whatever_goes_wrong_a_pickup_ends_within_its_limits(reasons, acts, answer):
    history: tuple[Past, ...] = ()
    visits, here, steps = 0, 0, []
    for reason in reasons:
        visits, here = visits + 1, here + 1
        asked = Case(reason=reason, history=history, visits_here=here, visits_in_all=visits, acts=acts, answer=answer)
        step = next_action(asked, ours)
        steps.append(step.what)
        if step.what not in (What.INSTRUCT, What.REBOOK, What.SWITCH_CARRIER, What.POLL):
            break
        here = here if step.what in (What.INSTRUCT, What.POLL) else 0
        history = (*history, Past(reason=reason, tried=step.tried))
    assert len(steps) <= ours.visits_in_all
