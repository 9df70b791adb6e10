"""From events to endpoints: nothing lost, nobody delayed, no storm; over a real ledger, without waiting."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import threading
from typing import Any

import pytest

from gateway.services import webhooks
from gateway.services.webhooks_courier import Courier, Letter, Round, claim, run, settle
from gateway.store import tables
from gateway.store import webhooks as store
from gateway.store.ledger import Event
from gateway.store.rows import Owner
from gateway.store.webhooks import DELIVERIES, ENDPOINTS
from gateway.values import Mode
from gateway.webhooks.schedule import MOST_TRIES, Attempt
from gateway.webhooks.sender import Message, Sender
from tests.webhooks.office import NOON, Office
from tests.webhooks.receiver import Received, answer, listening, verified


def log_of(office: Office, endpoint: str) -> list[tuple[str, int]]:
    return [(one.state, one.tries) for one in office.deliveries(endpoint)]


# --- from events to deliveries ---------------------------------------------------------------------


def test_an_event_goes_once_to_every_endpoint_that_asks_for_it(office: Office) -> None:
    office.endpoint("all")
    office.endpoint("some", "pickup.booked", "label.created")
    office.endpoint("other", "exception.opened")
    (event,) = office.happen("pickup.booked")
    assert sorted(office.turn()) == [("all.example.com", event), ("some.example.com", event)]
    assert (office.turn(), office.count(tables.webhook_deliveries)) == ([], 2)


def test_another_merchants_and_another_modes_events_stay_theirs(office: Office) -> None:
    office.endpoint("ours")
    office.endpoint("live", owner=Owner(office.owner.merchant_id, Mode.LIVE))
    office.happen("pickup.booked", owner=office.merchant("Merlin"))
    assert office.turn() == []


def test_what_is_sent_says_what_happened_and_is_signed(office: Office) -> None:
    endpoint = office.endpoint()
    data = {"pickup": {"id": "pck_1", "state": "booked"}, "previous": {"state": "requested"}}
    office.happen("pickup.booked", data=data)
    office.turn()
    (call,) = office.calls
    assert json.loads(call.content) == {
        "type": "pickup.booked",
        "timestamp": "2026-03-09T12:00:00Z",
        "sequence": 0,
        "data": {"pickup": {"id": "pck_1", "state": "booked"}},
        "previous": {"state": "requested"},
    }
    assert verified(call.headers, call.content, office.secrets[endpoint])


def test_an_event_is_told_or_untold_together_with_its_deliveries(office: Office) -> None:
    office.endpoint()
    office.happen("pickup.booked")
    with contextlib.suppress(ZeroDivisionError), office.db.write() as tx:
        assert webhooks.fan_out(tx, office.now) == 1
        raise ZeroDivisionError  # the process dies before the commit
    assert office.count(tables.webhook_deliveries) == 0
    assert office.names() == ["hooks"]


# --- tries -----------------------------------------------------------------------------------------


def test_a_message_that_is_not_taken_is_tried_eight_times_with_one_id_and_then_given_up(office: Office) -> None:
    endpoint = office.endpoint()
    office.says["hooks.example.com"] = 500
    office.happen("pickup.booked")
    tries = []
    for _ in range(MOST_TRIES + 2):
        tries.append(len(office.turn()))
        office.later(hours=12)
    assert tries == [1] * MOST_TRIES + [0, 0]
    assert len({call.headers["webhook-id"] for call in office.calls}) == 1
    (log,) = office.deliveries(endpoint)
    assert (log.state, log.tries, [one.status for one in log.attempts]) == ("failed", MOST_TRIES, [500] * MOST_TRIES)
    assert (log.next_try_at, log.attempts[0].answer, log.ended_at is None) == (None, "ok", False)


def test_a_message_is_not_tried_before_its_time(office: Office) -> None:
    endpoint = office.endpoint()
    office.says["hooks.example.com"] = 503
    office.happen("pickup.booked")
    office.turn()
    (log,) = office.deliveries(endpoint)
    assert log.next_try_at is not None
    office.now = log.next_try_at - dt.timedelta(milliseconds=1)
    assert office.turn() == []
    office.now = log.next_try_at
    assert office.names() == ["hooks"]


def test_a_redirect_is_a_failure(office: Office) -> None:
    endpoint = office.endpoint()
    office.says["hooks.example.com"] = 302
    office.happen("pickup.booked")
    assert office.names() == ["hooks"]
    assert log_of(office, endpoint) == [("pending", 1)]


# --- endpoints that fail ---------------------------------------------------------------------------


def test_410_stops_the_endpoint_and_all_that_was_on_its_way(office: Office) -> None:
    endpoint = office.endpoint()
    office.endpoint("other", "webhook_endpoint.paused")
    office.says["hooks.example.com"] = 410
    office.happen(*["pickup.booked"] * 3)
    office.turn()
    office.happen("pickup.collected")
    office.later(days=1)
    assert office.names() == ["other"]
    stopped = office.get(endpoint)
    assert (stopped.state, stopped.reason, set(office.states(endpoint))) == ("stopped", "it answered 410 Gone", {"failed"})


def test_an_endpoint_that_fails_for_five_days_is_paused_with_an_event_and_its_messages_wait(office: Office) -> None:
    endpoint = office.endpoint()
    office.says["hooks.example.com"] = 500
    for _ in range(6):
        office.happen("pickup.booked")
        office.turn()
        office.later(days=1)
    assert office.get(endpoint).state == "paused"
    (told,) = office.told("webhook_endpoint.paused")
    assert (told["endpoint"], told["reason"][:17]) == (endpoint, "it has failed sin")
    office.says.clear()
    assert office.turn() == []
    office.change(endpoint, enabled=True)
    assert set(office.names()) == {"hooks"}
    assert set(office.states(endpoint)) <= {"delivered", "pending"}


def test_while_it_is_paused_messages_are_kept_and_go_out_when_it_is_switched_on(office: Office) -> None:
    endpoint = office.endpoint()
    office.change(endpoint, enabled=False)
    office.happen("pickup.booked", "pickup.collected")
    assert (office.turn(), office.states(endpoint)) == ([], ["pending", "pending"])
    office.change(endpoint, enabled=True)
    assert (office.names(), office.states(endpoint)) == (["hooks"] * 2, ["delivered"] * 2)


def test_an_endpoint_that_is_away_costs_one_call_at_a_time_and_meets_no_storm_when_it_is_back(office: Office) -> None:
    endpoint = office.endpoint()
    office.says["hooks.example.com"] = 500
    office.happen(*["pickup.booked"] * 100)
    first = len(office.turn())
    office.later(seconds=4)
    assert office.turn() == []  # 96 others are due, and it is left alone for 5 s
    away = []
    for _ in range(12):
        office.later(minutes=5, seconds=1)
        away.append(len(office.turn()))
    assert (first <= 4, away) == (True, [1] * 12)
    office.says.clear()
    office.later(hours=1)
    back = []
    while (calls := len(office.turn())) > 0:
        back.append(calls)
    assert (back[0], max(back)) == (1, 64)
    assert office.states(endpoint) == ["delivered"] * 100


# --- dying and leasing -----------------------------------------------------------------------------


def test_what_a_dead_courier_held_is_carried_by_another_when_its_lease_is_over(office: Office) -> None:
    office.endpoint()
    office.happen("pickup.booked")
    with office.db.write() as tx:
        webhooks.fan_out(tx, office.now)
        assert len(claim(tx, office.kit, "cou_dead", office.now)) == 1
    assert office.turn() == []
    office.now += store.LEASE
    assert office.names() == ["hooks"]


def test_of_two_couriers_that_tried_the_same_message_the_first_is_believed(office: Office) -> None:
    endpoint = office.endpoint()
    office.happen("pickup.booked")
    with office.db.write() as tx:
        webhooks.fan_out(tx, office.now)
        (slow,) = claim(tx, office.kit, "cou_slow", office.now)
    office.now += store.LEASE
    assert office.names() == ["hooks"]
    office.says["hooks.example.com"] = 500
    late = asyncio.run(run(slow, office.sender.line(slow.endpoint.url, test=True), lambda: office.now))
    with office.db.write() as tx:
        settle(tx, [late])
    assert log_of(office, endpoint) == [("delivered", 1)]


def test_an_endpoint_removed_while_it_is_being_called_leaves_nothing_behind(office: Office) -> None:
    endpoint = office.endpoint()
    office.happen("pickup.booked")
    with office.db.write() as tx:
        webhooks.fan_out(tx, office.now)
        (round_,) = claim(tx, office.kit, "cou_1", office.now)
    outcome = asyncio.run(run(round_, office.sender.line(round_.endpoint.url, test=True), lambda: office.now))
    with office.db.write() as tx:
        store.delete(tx, endpoint)
    with office.db.write() as tx:
        settle(tx, [outcome])
    assert (office.count(tables.webhook_endpoints), office.count(tables.webhook_deliveries)) == (0, 0)


def test_endpoints_that_struggle_leave_half_of_the_places_to_those_that_do_well(office: Office) -> None:
    names = [f"e{number}" for number in range(9)]
    made = {name: office.endpoint(name) for name in names}
    office.happen("pickup.booked")
    with office.db.write() as tx:
        webhooks.fan_out(tx, office.now)
        for name in names[:6]:
            ENDPOINTS.update(tx, made[name], slow=True)
        rounds = claim(tx, office.kit, "cou_1", office.now, places=6, struggling=2)
    assert [one.endpoint.slow for one in rounds] == [False] * 3 + [True] * 2


# --- a round ---------------------------------------------------------------------------------------


class Line:
    """Notes when calls begin and end; `status` by message."""

    def __init__(self, status: dict[str, int] | None = None) -> None:
        self.begun: list[str] = []
        self.at_once = self.most = 0
        self._status = status or {}

    async def send(self, message: Message) -> Attempt:
        self.begun.append(message.id)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return Attempt(at=NOON, milliseconds=1, status=self._status.get(message.id, 200))

    async def close(self) -> None:
        self.begun.append("closed")


def a_round(office: Office, *pickups: str) -> Round:
    """Letters about these pickups, in this order; their events are e0, e1..."""
    endpoint = office.get(office.endpoint())
    letters = []
    for number, pickup in enumerate(pickups):
        event = Event(
            id=f"e{number}",
            merchant_id="mer_1",
            mode=Mode.TEST,
            pickup_id=pickup,
            sequence=number,
            type="pickup.booked",
            data={},
            at=NOON,
            created_at=NOON,
        )
        letters.append(Letter(delivery=webhooks.new_delivery(endpoint, event, NOON), event=event))
    return Round(endpoint=endpoint, secrets=(office.secrets[endpoint.id],), letters=tuple(letters))


def carried(round_: Round, line: Any) -> list[str]:
    outcome = asyncio.run(run(round_, line, lambda: NOON))
    return [letter.event.id for letter, _ in outcome.tried]


def test_messages_of_one_pickup_are_sent_in_their_order(office: Office) -> None:
    line = Line()
    carried(a_round(office, "a", "b", "a", "a"), line)
    assert [one for one in line.begun if one != "e1"] == ["e0", "e2", "e3", "closed"]


def test_a_round_makes_four_calls_at_once_and_no_more(office: Office) -> None:
    line = Line()
    assert sorted(carried(a_round(office, *"abcdefgh"), line)) == [f"e{number}" for number in range(8)]
    assert line.most == 4


def test_after_a_failure_nothing_more_is_begun(office: Office) -> None:
    line = Line({"e0": 500})
    assert carried(a_round(office, *"aaaa"), line) == ["e0"]
    assert line.begun == ["e0", "closed"]


# --- nobody waits for anybody ----------------------------------------------------------------------


def test_of_200_endpoints_ten_that_do_not_answer_delay_none_of_the_others(office: Office) -> None:
    """Over real sockets. The ten answer only when all others have everything: if anybody waited for them, nothing would end."""
    healthy = {f"/{number}" for number in range(190)}

    async def work() -> dict[str, int]:
        seen: dict[str, int] = {}
        all_there = asyncio.Event()

        async def say(received: Received) -> bytes:
            if received.path in healthy:
                seen[received.path] = seen.get(received.path, 0) + 1
                if len(seen) == len(healthy):
                    all_there.set()
            else:
                await all_there.wait()
            return answer(204)

        async with listening(say) as receiver:
            at = f"127.0.0.1:{receiver.port}"
            office.endpoints_at(*(f"http://{at}/{number}" for number in range(200)))
            office.happen("pickup.booked")
            courier = Courier(office.kit, Sender(frozenset({at})), lambda: office.now)
            stop = threading.Event()
            working = asyncio.create_task(courier.work(stop))
            async with asyncio.timeout(30):
                await all_there.wait()
                stop.set()
                await working
        return seen

    assert asyncio.run(work()) == dict.fromkeys(healthy, 1)


# --- secrets, replays, the log ---------------------------------------------------------------------


def test_after_a_rotation_both_secrets_sign_for_the_stated_time(office: Office) -> None:
    endpoint = office.endpoint()
    old = office.secrets[endpoint]
    with office.db.write() as tx:
        changed, new = webhooks.rotate(tx, office.kit.vault, ENDPOINTS.one(tx, endpoint), dt.timedelta(hours=24), office.now)
    assert changed.previous_until == NOON + dt.timedelta(hours=24)
    for hours in (0, 23.99, 24):
        office.now = NOON + dt.timedelta(hours=hours)
        office.happen("pickup.booked")
        office.turn()
    found = [[verified(call.headers, call.content, secret) for secret in (new, old)] for call in office.calls]
    assert found == [[True, True], [True, True], [True, False]]


def test_the_ledger_holds_no_secret_that_could_be_used(office: Office) -> None:
    endpoint = office.endpoint()
    kept = repr(office.get(endpoint)).encode() + office.get(endpoint).secrets
    assert (office.secrets[endpoint].encode() in kept, endpoint.encode() in kept) == (False, True)


def test_an_endpoint_whose_secret_does_not_open_holds_nobody_up(office: Office) -> None:
    broken = office.endpoint("broken")
    office.endpoint("well")
    with office.db.write() as tx:
        ENDPOINTS.update(tx, broken, secrets=office.get(broken).secrets[:-1] + b"?")
    office.happen("pickup.booked")
    assert (office.names(), office.states(broken)) == (["well"], ["pending"])


def test_a_replay_sends_the_same_message_again(office: Office) -> None:
    endpoint = office.endpoint()
    (event,) = office.happen("pickup.booked")
    office.turn()
    (first,) = office.deliveries(endpoint)
    with office.db.write() as tx:
        made = webhooks.replay(tx, ENDPOINTS.one(tx, endpoint), first, office.now)
    assert (office.turn(), made.replay_of) == ([("hooks.example.com", event)], first.id)
    assert office.calls[0].content == office.calls[1].content


def test_a_range_is_replayed_with_what_the_endpoint_asks_for(office: Office) -> None:
    endpoint = office.endpoint("hooks", "pickup.booked")
    events = []
    for _ in range(4):
        events.append(office.happen("pickup.booked", "label.created")[0])
        office.later(hours=1)
    office.happen("pickup.booked", owner=office.merchant("Merlin"))
    office.turn()
    with office.db.write() as tx:
        since, until = NOON + dt.timedelta(hours=1), NOON + dt.timedelta(hours=3)
        assert webhooks.replay_range(tx, ENDPOINTS.one(tx, endpoint), since, until, office.now) == 2
    office.later(seconds=1)
    assert sorted(event for _, event in office.turn()) == sorted(events[1:3])


def test_the_log_forgets_what_ended_a_month_ago_and_keeps_what_is_pending(office: Office) -> None:
    well, ill = office.endpoint("well"), office.endpoint("ill")
    office.says["ill.example.com"] = 500
    office.happen("pickup.booked")
    office.turn()
    with office.db.write() as tx:
        assert [webhooks.tidy(tx, NOON + dt.timedelta(days=days)) for days in (29, 31)] == [0, 1]
    assert (office.states(well), office.states(ill)) == ([], ["pending"])
    with office.db.read() as tx:
        assert DELIVERIES.of_owner(tx, office.owner)[0].endpoint_id == ill


@pytest.mark.parametrize("status", [200, 500])
def test_a_ping_is_one_call_that_stands_in_the_log(office: Office, status: int) -> None:
    endpoint = office.get(office.endpoint())
    office.says["hooks.example.com"] = status
    found = asyncio.run(webhooks.ping(office.kit, office.sender, endpoint))
    (call,) = office.calls
    assert (found.state, found.attempts[0].status) == ("delivered" if status == 200 else "failed", status)
    assert (json.loads(call.content)["type"], call.headers["webhook-id"]) == ("webhook_endpoint.ping", found.id)
    assert verified(call.headers, call.content, office.secrets[endpoint.id])
