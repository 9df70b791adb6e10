"""The test clock: moves the merchant's business time in test mode, and that of its simulated carriers."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency

from gateway.services import clocks
from gateway.values import Mode
from gateway.web import setup_views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.contract import REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.noting import noted
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, once_over_carriers
from gateway.web.setup_shapes import ClockRequest


class Clock(Controller):
    path = "/test/clock"
    tags = ["Testing"]

    @post(
        "/advance",
        operation_id="advanceTestClock",
        summary="Move the test clock on",
        status_code=200,
        opt=scope("pickups:write"),
        responses=refusals(*WITH_BODY, *WITH_KEY, "test_only", "lab_not_running"),
        response_headers=[REPLAYED],
    )
    async def advance(
        self, call: NamedDependency[Call], data: JsonBody[ClockRequest], idempotency_key: IdempotencyKey = None
    ) -> Response[setup_views.ClockView]:
        """By `seconds`, or `to` an instant; never back. Windows, promises and polls follow, and what riders of the lab were to do
        until then is done. Time-outs and leases keep to the wall.
        """
        if call.mode is not Mode.TEST:
            raise ProblemError("test_only")
        attempt = attempt_of(call, idempotency_key, data.content)
        return await once_over_carriers(
            call, attempt, lambda _: data.read(ClockRequest, call.now), lambda asked: _advance(call, asked)
        )


async def _advance(call: Call, asked: ClockRequest) -> Response[Any]:
    ahead = call.merchant.clock_offset + asked.seconds if asked.seconds else 0
    offset = clocks.offset_to(call.merchant, asked.to, call.wall) if asked.to else ahead
    opened = await asyncio.to_thread(clocks.in_lab, call.kit, call.owner)
    await clocks.move_lab(call.kit, opened, offset)
    moved = await asyncio.to_thread(clocks.advance, call.kit, call.merchant, offset, lambda tx: noted(call, tx, call.merchant.id))
    return answered(setup_views.ClockView(now=moved.now(call.mode, call.wall), offset_seconds=moved.clock_offset))
