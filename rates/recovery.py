"""The next step after a failed visit or any other exception: a pure decision on the case and the merchant's policy.

The reason's rule proposes. A proposal that leads to another visit is held against the limits; while the carrier still comes
by itself it becomes waiting for that visit (the customer is written to, corrected data is passed on, nothing else); then it is
carried out as the carrier can: by an act it takes, else by a new booking, else by another carrier. Whether another
carrier would be the better one is the choice's business: rank anew before an INSTRUCT or a REBOOK is sent.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping

import msgspec

from adapters.contract.scans import Fault, Reason
from adapters.contract.units import Money
from rates.policy import Policy
from rates.rules import ACTIONS, Action, Message, Need, Rule


class Answer(enum.StrEnum):
    """What came back from the customer, or from the merchant on a hold."""

    WAITING = "waiting"  # not asked yet, or there is time left to answer
    SILENT = "silent"  # the time to answer is over
    READY = "ready"  # come again (on `Case.date` if named); on a hold: the merchant lets it go on
    CORRECTED = "corrected"  # READY, with a corrected phone, address, postal code or weight
    DENIED = "denied"  # it was not as the carrier says
    OFF = "off"  # the return is off


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier exception of this pickup (or poll of this one): its reason and the last `Step.tried` of ours, if any."""

    reason: Reason
    tried: Action | None = None
    disputed: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An open exception and all that its next step depends on.

    `history` is oldest first, without this exception. `own_visits_left` is how many visits the carrier still makes by itself: 0
    once the booking is no longer live. `acts` are the acts it takes in its present standing ("reattempt", "reschedule",
    "edit_contact", "edit_address"), with the time from which. `carrier_visits` is the carrier's own limit, where it states one.
    """

    reason: Reason
    history: tuple[Past, ...] = ()
    visits_here: int = 1
    visits_in_all: int = 1
    days_elapsed: float = 0.0
    spent: Money | None = None
    own_visits_left: int = 0
    carrier_visits: int | None = None
    acts: Mapping[str, dt.datetime] = {}
    answer: Answer = Answer.WAITING
    date: dt.date | None = None
    another_carrier: bool = True


class What(enum.StrEnum):
    """The kinds of steps."""

    WAIT_FOR_OWN_VISIT = "wait_for_own_visit"
    ASK_CUSTOMER = "ask_customer"
    INSTRUCT = "instruct"  # send `act` to the carrier
    REBOOK = "rebook"  # cancel, see it confirmed, then choose anew
    SWITCH_CARRIER = "switch_carrier"  # the same, without the present carrier
    POLL = "poll"
    HOLD_FOR_MERCHANT = "hold_for_merchant"
    CANCEL = "cancel"
    CLOSE = "close"
    REVIEW = "review"  # a person reads what the carrier meant
    HAND_OVER = "hand_over"  # exhausted: a person decides


class Limit(enum.StrEnum):
    """Why a pickup is handed over."""

    DAYS_IN_ALL = "days_in_all"
    VISITS_IN_ALL = "visits_in_all"
    MAX_TOTAL_COST = "max_total_cost"
    VISITS_PER_CARRIER = "visits_per_carrier"
    TRIES = "tries"
    NO_ANSWER = "no_answer"
    NO_CARRIER_LEFT = "no_carrier_left"


_OUR_TRIES = frozenset({What.ASK_CUSTOMER, What.INSTRUCT, What.REBOOK, What.SWITCH_CARRIER, What.POLL})


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, and why, in one sentence.

    `action` is the rule it came from. `message` goes to the customer. `edits` are acts that only correct the booking's data, sent
    first. `act`, `act_from`, `date` and `wait_days` say what the carrier is told, from when it may be told, and for which day
    (none: its next working day, after so many days of waiting). `limit` is set when handing over.
    """

    what: What
    why: str
    action: Action
    message: Message | None = None
    edits: tuple[str, ...] = ()
    act: str = ""
    act_from: dt.datetime | None = None
    date: dt.date | None = None
    wait_days: int = 0
    bar_days: int = 0
    limit: Limit | None = None

    @property
    def tried(self) -> Action | None:
        """What history keeps: neither a visit the carrier makes by itself nor a person's decision is a try of ours."""
        return self.action if self.what in _OUR_TRIES else None


def next_action(case: Case, policy: Policy) -> Step:
    """What to do about an exception."""
    reason = effective_reason(case, policy)
    rule = _rule(reason, case, policy)
    given = _Deciding(case=case, reason=reason, rule=rule, policy=policy)
    if case.answer is Answer.OFF and rule.action is not Action.CLOSE:
        return _end(What.CANCEL, given, "the return is off")
    proposed = _PROPOSALS[rule.action](given)
    if proposed.what not in _LEADS_TO_A_VISIT:
        return proposed
    limit = _limit_hit(case, policy)
    if limit:
        return _hand_over(rule, *limit)
    if case.own_visits_left > 0 and rule.action not in _MAY_INTERRUPT:
        return _wait_for_own_visit(case, rule)
    return _carry_out(proposed, case, rule, policy)


def effective_reason(case: Case, policy: Policy) -> Reason:
    """The reason as it stands after a dispute: what a customer denies is the carrier's doing, nobody came.

    A denied cancel is reopened and a denied quality check is for the merchant, each by its own rule.
    """
    asks = _rule_of(case.reason, policy).action in (Action.CONFIRM_THEN_CANCEL, Action.HOLD_FOR_MERCHANT)
    denied = case.answer is Answer.DENIED and case.reason.fault is Fault.CUSTOMER and not asks
    return Reason.NOT_ATTEMPTED if denied else case.reason


def _rule_of(reason: Reason, policy: Policy) -> Rule:
    return policy.rules.get(reason, ACTIONS[reason])


def _rule(reason: Reason, case: Case, policy: Policy) -> Rule:
    rule = _rule_of(reason, policy)
    if rule.second_in_a_row and case.history and _blamed(case.history[-1]) is reason:
        return msgspec.structs.replace(rule, action=rule.second_in_a_row)
    return rule


def _blamed(past: Past) -> Reason:
    return Reason.NOT_ATTEMPTED if past.disputed else past.reason


# --- what each action proposes --------------------------------------------------------------------


class _Deciding(msgspec.Struct, frozen=True, kw_only=True):
    case: Case
    reason: Reason
    rule: Rule
    policy: Policy


# A person's decision for want of tries or of an answer also waits for a visit that comes anyway.
_LEADS_TO_A_VISIT = frozenset({*_OUR_TRIES, What.HAND_OVER})

# Asking the carrier where it stands disturbs no visit; a wrong postal code can be edited nowhere, its visits are lost anyway.
_MAY_INTERRUPT = frozenset({Action.POLL_THEN_SWITCH, Action.REBOOK})


def _reattempt(given: _Deciding) -> Step:
    """Come again, unless this was tried often enough."""
    case, rule = given.case, given.rule
    tried = sum(1 for past in case.history if past.tried is rule.action and _blamed(past) is given.reason)
    if tried >= rule.tries:
        return _hand_over(rule, Limit.TRIES, f"{rule.action} was tried {_times(tried)} for {given.reason}: a person decides.")
    return _come_again(case, rule, f"try {tried + 1} of {rule.tries}")


def _ask_then_reattempt(given: _Deciding) -> Step:
    again = _reattempt(given)
    asks = given.case.answer is Answer.WAITING and again.what is What.INSTRUCT
    return _ask(given.case, given.rule) if asks else again


def _correct_then_reattempt(given: _Deciding) -> Step:
    return _no_answer(given.case, given.rule) if given.case.answer is Answer.SILENT else _ask_then_reattempt(given)


def _reattempt_on_date(given: _Deciding) -> Step:
    return _reattempt(given) if given.case.date else _ask_then_reattempt(given)


def _rebook(given: _Deciding) -> Step:
    return _first_get(given) or _anew(What.REBOOK, given.case, given.rule)


def _switch(given: _Deciding) -> Step:
    return _first_get(given) or _anew(What.SWITCH_CARRIER, given.case, given.rule)


def _poll_then_switch(given: _Deciding) -> Step:
    polled = sum(1 for past in given.case.history if past.tried is given.rule.action)
    if polled < given.rule.tries:
        return Step(what=What.POLL, why="The carrier is silent past its promise: it is asked.", action=given.rule.action)
    if given.case.own_visits_left > 0:
        return _wait_for_own_visit(given.case, given.rule)
    return _anew(What.SWITCH_CARRIER, given.case, given.rule)


def _hold(given: _Deciding) -> Step:
    """The merchant decides; its word to go on is a person's, no automatic try."""
    if given.case.answer in (Answer.READY, Answer.CORRECTED):
        return _come_again(given.case, given.rule, "the merchant lets it go on")
    return _end(What.HOLD_FOR_MERCHANT, given, "only the merchant can decide")


def _confirm_then_cancel(given: _Deciding) -> Step:
    """Cancel only on the customer's word (or silence, where the merchant wants that); a denied cancel is reopened."""
    if given.case.answer is Answer.SILENT and given.policy.cancel_without_answer:
        return _end(What.CANCEL, given, "the customer did not answer, and the policy takes that for a yes")
    if given.case.answer is Answer.SILENT:
        return _no_answer(given.case, given.rule)
    return _ask(given.case, given.rule) if given.case.answer is Answer.WAITING else _reattempt(given)


_PROPOSALS: Mapping[Action, Callable[[_Deciding], Step]] = {
    Action.REATTEMPT_NEXT_WORKING_DAY: _reattempt,
    Action.REATTEMPT_ON_DATE: _reattempt_on_date,
    Action.CONTACT_CUSTOMER_THEN_REATTEMPT: _ask_then_reattempt,
    Action.CORRECT_ADDRESS_THEN_REATTEMPT: _correct_then_reattempt,
    Action.WAIT_THEN_REATTEMPT: _reattempt,
    Action.RESEND_LABEL_THEN_REATTEMPT: _reattempt,
    Action.REBOOK: _rebook,
    Action.SWITCH_CARRIER: _switch,
    Action.POLL_THEN_SWITCH: _poll_then_switch,
    Action.HOLD_FOR_MERCHANT: _hold,
    Action.CONFIRM_THEN_CANCEL: _confirm_then_cancel,
    Action.CANCEL: lambda given: _end(What.CANCEL, given, "the pickup is no longer wanted"),
    Action.CLOSE: lambda given: _end(What.CLOSE, given, "there is nothing left to collect"),
    Action.MANUAL_REVIEW: lambda given: _end(What.REVIEW, given, "a person must read what the carrier meant"),
}


# --- steps ----------------------------------------------------------------------------------------


def _come_again(case: Case, rule: Rule, how: str) -> Step:
    return Step(
        what=What.INSTRUCT,
        why=f"{case.reason}: the carrier is asked to come again ({how}).",
        action=rule.action,
        message=rule.message if case.answer is Answer.WAITING else None,
        date=case.date,
        wait_days=rule.wait_days,
        bar_days=rule.bar_days,
    )


def _ask(case: Case, rule: Rule) -> Step:
    why = f"{case.reason}: the customer is asked first."
    return Step(what=What.ASK_CUSTOMER, why=why, action=rule.action, message=rule.message or Message.CONTACT)


_SATISFIED_BY: Mapping[Need | None, frozenset[Answer]] = {
    None: frozenset(Answer),
    Need.CORRECTION: frozenset({Answer.CORRECTED}),
    Need.CONFIRMATION: frozenset({Answer.READY, Answer.CORRECTED}),
}


def _first_get(given: _Deciding) -> Step | None:
    """The step that gets what the rule needs first: from the customer if there is a message for it, else from the merchant."""
    case, rule = given.case, given.rule
    if case.answer in _SATISFIED_BY[rule.needs]:
        return None
    if not rule.message:
        return _end(What.HOLD_FOR_MERCHANT, given, f"a {rule.needs} is needed first")
    return _no_answer(case, rule) if case.answer is Answer.SILENT else _ask(case, rule)


def _anew(what: What, case: Case, rule: Rule) -> Step:
    whom = "another carrier" if what is What.SWITCH_CARRIER else "the best carrier"
    return Step(what=what, why=f"{case.reason}: {whom} is booked anew.", action=rule.action, bar_days=rule.bar_days, date=case.date)


def _end(what: What, given: _Deciding, because: str) -> Step:
    return Step(what=what, why=f"{given.case.reason}: {because}.", action=given.rule.action, bar_days=given.rule.bar_days)


def _no_answer(case: Case, rule: Rule) -> Step:
    return _hand_over(rule, Limit.NO_ANSWER, f"The customer did not answer about {case.reason}: a person decides.")


def _hand_over(rule: Rule, limit: Limit, why: str) -> Step:
    return Step(what=What.HAND_OVER, why=why, action=rule.action, bar_days=rule.bar_days, limit=limit)


def _limit_hit(case: Case, policy: Policy) -> tuple[Limit, str] | None:
    """The first limit over all carriers that is used up, and the sentence that says so."""
    if case.days_elapsed >= policy.days_in_all:
        return Limit.DAYS_IN_ALL, f"The limit of {policy.days_in_all} days is reached: a person decides."
    if case.visits_in_all >= policy.visits_in_all:
        return Limit.VISITS_IN_ALL, f"The limit of {policy.visits_in_all} visits over all carriers is reached: a person decides."
    if policy.max_total_cost is not None and case.spent is not None and policy.max_total_cost <= case.spent:
        return Limit.MAX_TOTAL_COST, f"{case.spent} are spent, the limit is {policy.max_total_cost}: a person decides."
    return None


def _wait_for_own_visit(case: Case, rule: Rule) -> Step:
    return Step(
        what=What.WAIT_FOR_OWN_VISIT,
        why=f"{case.reason}: the carrier comes by itself, {_times(case.own_visits_left)} more, so it is not told to.",
        action=rule.action,
        message=rule.message if case.answer is Answer.WAITING else None,
        edits=_edits(case),
        bar_days=rule.bar_days,
    )


def _carry_out(step: Step, case: Case, rule: Rule, policy: Policy) -> Step:
    """The proposed step as this carrier can take it: an act if it knows one, else a new booking, else another carrier."""
    used_up = case.own_visits_left == 0 and case.visits_here >= (case.carrier_visits or policy.visits_per_carrier)
    if used_up and step.what in (What.INSTRUCT, What.REBOOK):
        why = f"{case.reason}: this carrier came {_times(case.visits_here)}, its limit; another is booked."
        return _if_left(msgspec.structs.replace(step, what=What.SWITCH_CARRIER, why=why), case, rule, Limit.VISITS_PER_CARRIER)
    if step.what is What.SWITCH_CARRIER:
        return _if_left(step, case, rule, Limit.NO_CARRIER_LEFT)
    return _instruct(step, case) if step.what is What.INSTRUCT else step


def _if_left(step: Step, case: Case, rule: Rule, limit: Limit) -> Step:
    if case.another_carrier:
        return step
    return _hand_over(rule, limit, f"{case.reason} calls for another carrier and none is left: a person decides.")


def _instruct(step: Step, case: Case) -> Step:
    wanted = ("reschedule", "reattempt") if step.date else ("reattempt", "reschedule")
    act = next((act for act in wanted if act in case.acts), "")
    if not act:
        why = f"{case.reason}: this carrier cannot be told to come again, so the pickup is booked anew."
        return msgspec.structs.replace(step, what=What.REBOOK, why=why)
    return msgspec.structs.replace(step, act=act, act_from=case.acts[act], edits=_edits(case))


def _edits(case: Case) -> tuple[str, ...]:
    """What the customer corrected is put right in the booking where the carrier can take it now."""
    corrected = case.answer is Answer.CORRECTED
    return tuple(act for act in ("edit_contact", "edit_address") if corrected and act in case.acts)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
