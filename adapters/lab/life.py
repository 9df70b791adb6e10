"""The life of a consignment in one account's books: planned visits, what the riders find, scans, pushes.

A plan is a step with its time; carrying it out writes events and plans the next step. Everything happens at the time it
was planned for, however late somebody looks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import msgspec

from adapters.contract.scans import Milestone, Reason
from adapters.lab import dice, faults, riders
from adapters.lab.books import Books, Entry, Marks, Plan
from adapters.lab.hooks import Hook, hook_of
from adapters.lab.side import Consignment, Event, Push, Side
from adapters.lab.worlds import World, world_of

_QC_SHARE = 0.15  # of the visits that would have collected, when the rider checks the goods

_OUT, _DOOR, _SHOW = "out", "door", "show"
_END_STATES: Mapping[Milestone, str] = {Milestone.DELIVERED: "delivered", Milestone.LOST: "lost"}
_LAST_SCANS = frozenset({Milestone.DELIVERED, Milestone.LOST, Milestone.CANCELLED})


class Life:
    """One account's consignments at the instant `now`, inside a transaction of the books."""

    def __init__(self, books: Books, side: Side, account: str, now: dt.datetime, seed: int, wall: float) -> None:
        self.books = books
        self.side = side
        self.account = account
        self.now = now
        self.seed = seed
        self.wall = wall
        self.zone = ZoneInfo(side.timezone)

    # --- what the desk asks for ---

    def begin(self, consignment: Consignment, marks: Marks) -> None:
        """Enter a booking, push it, plan the first visit."""
        if not consignment.events:
            consignment.events = [Event(at=self.now, milestone=Milestone.PICKUP_SCHEDULED, place=consignment.origin, visit=1)]
        entry = Entry(consignment=consignment, marks=marks)
        self.books.know(self.side.carrier, self.account)
        self.books.enter(self.side.carrier, self.account, entry)
        if self.side.created:
            self._push(entry, self.side.created)
        self._plan_visit(entry, riders.first_day(self.now, self.zone))

    def strike_out(self, awb: str, reason: Reason) -> None:
        entry = self.entry(awb)
        self._forget_plans(entry)
        self._end(entry, "cancelled", Milestone.CANCELLED, reason)

    def go_again(self, awb: str, day: dt.date | None) -> None:
        """Plan a visit in place of whatever was planned."""
        entry = self.entry(awb)
        self._forget_plans(entry)
        entry.consignment.state = "scheduled"
        self._happen(entry, Milestone.PICKUP_SCHEDULED, visit=entry.consignment.visits + 1)
        self._plan_visit(entry, day or riders.day_after(self.now, self.zone))

    def entry(self, awb: str) -> Entry:
        """Raises KeyError for an AWB that is not in this account's books."""
        found = self.books.entry(self.side.carrier, self.account, awb)
        if found is None:
            raise KeyError(f"no consignment {awb!r} in the books of {self.side.carrier}")
        return found

    # --- what happens by itself ---

    def carry_out(self, plan: Plan) -> None:
        self.books.drop_plan(plan)
        entry = self.entry(plan.awb)
        _STEPS.get(plan.step, Life._scan)(self, entry, plan)

    def _out(self, entry: Entry, plan: Plan) -> None:
        """The rider sets out, unless there is a strike: then nobody comes, and nobody says so."""
        if any(faults.striking(rule, self.side.carrier, self.account, self.now) for rule in self.books.rules()):
            self._plan_visit(entry, riders.day_after(self.now, self.zone))
            return
        entry.consignment.visits += 1
        entry.consignment.state = "out"
        self._happen(entry, Milestone.OUT_FOR_PICKUP, visit=entry.consignment.visits)
        self._plan(entry, riders.arrives_at(self.now, self._luck(entry, "door")), _DOOR)

    def _door(self, entry: Entry, plan: Plan) -> None:
        reason = self._finding(entry)
        if reason is None:
            self._collect(entry)
        else:
            self._fail(entry, reason)

    def _collect(self, entry: Entry) -> None:
        entry.consignment.state = "collected"
        self._happen(entry, Milestone.PICKED_UP, visit=entry.consignment.visits)
        luck = self._luck(entry, "journey")
        for milestone, at in self._journey(entry, luck):
            self._plan(entry, at, milestone)

    def _journey(self, entry: Entry, luck: float) -> tuple[tuple[Milestone, dt.datetime], ...]:
        if entry.marks.lost:
            return riders.vanishing(self.now, luck)
        return riders.journey(self.now, self.side.tat_days, self.zone, luck)

    def _fail(self, entry: Entry, reason: Reason) -> None:
        if reason in self.side.cancels_on:
            self._end(entry, "cancelled", Milestone.CANCELLED, reason)
            return
        entry.consignment.state = "scheduled"
        self._happen(entry, Milestone.PICKUP_FAILED, reason=reason, visit=entry.consignment.visits)
        if entry.consignment.visits < self.side.visits:
            self._plan_visit(entry, riders.day_after(self.now, self.zone))
        elif Reason.MAX_VISITS_REACHED in self.side.failures:
            self._end(entry, "cancelled", Milestone.CANCELLED, Reason.MAX_VISITS_REACHED)

    def _scan(self, entry: Entry, plan: Plan) -> None:
        milestone = Milestone(plan.step)
        entry.consignment.state = _END_STATES.get(milestone, entry.consignment.state)
        self._happen(entry, milestone)

    def _show_late(self, entry: Entry, plan: Plan) -> None:
        if plan.event is not None:
            self._show(entry, plan.event)
            self._save(entry)

    # --- what the rider finds ---

    def _finding(self, entry: Entry) -> Reason | None:
        """Why this visit fails, or None: it collects. Forced by the booking's marks, else by luck."""
        marks = entry.marks
        if marks.lucky:
            return None
        if marks.qc and not entry.consignment.details.get("qc"):
            return self._by_luck(entry)
        if marks.every_visit or entry.consignment.visits <= marks.failing:
            return self._forced(entry)
        return None if marks.failing else self._by_luck(entry)

    def _forced(self, entry: Entry) -> Reason | None:
        """The reason asked for if the carrier documents it, else one that it does."""
        marks = entry.marks
        known = self.side.qc_failures if marks.qc else {**self.side.failures, **self.side.untold}
        return marks.reason if marks.reason in known else self._draw(entry, known)

    def _by_luck(self, entry: Entry) -> Reason | None:
        consignment = entry.consignment
        zone = dice.roll(self.seed, "zone", self.side.carrier, consignment.origin[:3])
        mean = world_of(self.books, self.side.carrier, self.account, consignment.origin, consignment.destination)
        if self._luck(entry, "collects") >= self._chance(mean, zone, consignment.visits):
            return self._draw(entry, {**self.side.failures, **self.side.untold})
        checked = consignment.details.get("qc") and self._luck(entry, "qc") < _QC_SHARE
        return self._draw(entry, self.side.qc_failures) if checked else None

    def _chance(self, world: World, zone: float, visit: int) -> float:
        """A success set by hand is taken as it is."""
        return riders.chance(self.side.success, zone, visit) if world.success is None else world.success

    def _draw(self, entry: Entry, weights: Mapping[Reason, float]) -> Reason | None:
        return riders.draw(weights, self._luck(entry, "reason"))

    def _luck(self, entry: Entry, what: str) -> float:
        return self.dice(what, entry.consignment.awb, str(entry.consignment.visits))

    def dice(self, *salt: str) -> float:
        return dice.roll(self.seed, self.side.carrier, self.account, *salt)

    # --- plans ---

    def _plan_visit(self, entry: Entry, day: dt.date) -> None:
        leaves = riders.leaves_at(day, self.zone, self.now, self._luck(entry, "out"))
        self._plan(entry, leaves, _OUT)

    def _plan(self, entry: Entry, at: dt.datetime, step: str) -> None:
        if not entry.marks.silent:
            self.books.plan(self.side.carrier, self.account, entry.consignment.awb, at, step)

    def _forget_plans(self, entry: Entry) -> None:
        """Late scans stay on their way: what they tell has happened."""
        self.books.drop_plans(self.side.carrier, self.account, entry.consignment.awb, but=_SHOW)

    # --- events, seen late, twice or out of order where the booking is marked so ---

    def _end(self, entry: Entry, state: str, milestone: Milestone, reason: Reason) -> None:
        entry.consignment.state = state
        self._happen(entry, milestone, reason=reason, visit=entry.consignment.visits)

    def _happen(self, entry: Entry, milestone: Milestone, *, reason: Reason | None = None, visit: int = 0) -> None:
        place = entry.consignment.destination if milestone in _AT_THE_END else entry.consignment.origin
        event = Event(at=self.now, milestone=milestone, reason=reason, place=place, visit=visit)
        if entry.marks.late:
            late = self.now + dt.timedelta(seconds=entry.marks.late)
            self.books.plan(self.side.carrier, self.account, entry.consignment.awb, late, _SHOW, event)
        else:
            self._show_in_order(entry, event)
        self._save(entry)

    def _show_in_order(self, entry: Entry, event: Event) -> None:
        """Or, for a swapped consignment, every other event only after the one that followed it."""
        held = entry.marks.held
        if entry.marks.swapped and held is None and event.milestone not in _LAST_SCANS:
            entry.marks = msgspec.structs.replace(entry.marks, held=event)
            return
        self._show(entry, event)
        if held is not None:
            entry.marks = msgspec.structs.replace(entry.marks, held=None)
            self._show(entry, held)

    def _show(self, entry: Entry, event: Event) -> None:
        for _ in range(2 if entry.marks.twice else 1):
            entry.consignment.events.append(event)
            self._push_event(entry, event)

    def _save(self, entry: Entry) -> None:
        self.books.save(self.side.carrier, self.account, entry)

    # --- pushes ---

    def _push_event(self, entry: Entry, event: Event) -> None:
        word = self.side.push
        if word:
            self._push(entry, lambda consignment, secret: word(consignment, event, secret))

    def _push(self, entry: Entry, word: Callable[[Consignment, str], Push | None]) -> None:
        hook = None if entry.marks.unpushed else self._hook()
        push = word(entry.consignment, hook.secret) if hook else None
        if push:
            headers = dict(push.headers)
            self.books.queue(self.side.carrier, self.account, entry.consignment.awb, headers, push.body, self.wall)

    def _hook(self) -> Hook | None:
        return hook_of(self.books, self.side.carrier, self.account)


_AT_THE_END = frozenset({Milestone.OUT_FOR_DELIVERY, Milestone.DELIVERED})
_STEPS: Mapping[str, Callable[[Life, Entry, Plan], None]] = {_OUT: Life._out, _DOOR: Life._door, _SHOW: Life._show_late}
