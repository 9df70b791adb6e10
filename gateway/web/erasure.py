"""Erasing people from a pickup that has ended: what a person may ask for, and what the retention does by itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.services import erasing
from gateway.web import admin_shapes
from gateway.web.access import Call, answered, scope
from gateway.web.contract import refusals
from gateway.web.pickups import owned
from gateway.web.repeats import once


class Erasure(Controller):
    path = "/pickups/{pickup_id:str}/erase"
    tags = ["Administration"]

    @post(
        "/",
        operation_id="erasePickup",
        summary="Erase people from a pickup",
        status_code=200,
        opt=scope(),
        responses=refusals("not_found", "wrong_state"),
        sync_to_thread=True,
    )
    def erase(self, call: NamedDependency[Call], pickup_id: FromPath[str]) -> Response[admin_shapes.ErasureView]:
        """Names, phones, streets, mails, notes, labels and what was said to carriers are gone for good; visits, decisions, money
        and the postal code stay for the statistics, your reference and the AWB for the invoice. Only when the pickup has ended. A
        second time the answer tells when it was done.
        """

        def work(tx: sa.Connection, _: object) -> Response[Any]:
            done = erasing.erase(tx, call.kit.vault, owned(tx, call, pickup_id).id, call.wall)
            return answered(admin_shapes.ErasureView(pickup=done.pickup_id, erased_at=done.at, rows=done.rows))

        answer = once(call, None, lambda _: None, work)
        call.kit.db.forget()
        return answer
