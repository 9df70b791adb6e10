"""Rate cards: prices by contract, for carriers whose price call is slow, rationed or absent. As JSON, or as the file itself."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from gateway import ids
from gateway.store import tables
from gateway.store.accounts import CARDS, StoredCard
from gateway.web import paging, setup_views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.bodies import JsonBody, Raw
from gateway.web.card_shapes import ExplainedPrice, ExplainRequest, explained
from gateway.web.contract import LINK, LOCATION, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.noting import noted
from gateway.web.problems import ErrorItem, ProblemError
from gateway.web.repeats import attempt_of, once
from gateway.web.setup_shapes import RateCardRequest, service_faults, to_card
from gateway.web.views import page_info
from rates.cardfiles import CardErrors, read_csv, read_toml
from rates.cards import RateCard

DryRun = Annotated[bool, QueryParameter(description="Only say what would be kept, or what is wrong.")]

_ADMIN, _READ = scope(), scope("pickups:read", "pickups:write")
_FILES = {"text/csv": read_csv, "application/toml": read_toml}


class RateCards(Controller):
    path = "/rate-cards"
    tags = ["Settings"]

    @post(
        "/",
        operation_id="createRateCard",
        summary="Add a rate card",
        opt=_ADMIN,
        responses={
            200: ResponseSpec(setup_views.RateCardView, generate_examples=False, description="With `dry_run`: as it would be."),
            **refusals(*WITH_BODY, *WITH_KEY),
        },
        response_headers=[LOCATION, REPLAYED],
        sync_to_thread=True,
    )
    def create(
        self,
        call: NamedDependency[Call],
        data: JsonBody[RateCardRequest],
        idempotency_key: IdempotencyKey = None,
        dry_run: DryRun = False,
    ) -> Response[setup_views.RateCardView]:
        """As JSON, or the file itself as `text/csv` or `application/toml`; all errors of a file are told, each with its line. Where
        several cards are valid for a service, the one with the newest first day counts. With `dry_run=true` nothing is kept: 200
        and the card as it would be.
        """
        attempt = attempt_of(call, idempotency_key, data.content)
        if dry_run:
            return answered(setup_views.rate_card(_row(call, _read(data), "")))
        return once(call, attempt, lambda _: _read(data), lambda tx, card: _create(tx, call, card))

    @get(
        "/",
        operation_id="listRateCards",
        summary="List rate cards",
        opt=_READ,
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        call: NamedDependency[Call],
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[setup_views.RateCardList]:
        """Newest first."""
        page = call.read(lambda tx: paging.page_of(tx, call, CARDS, [], limit, after, before))
        found = setup_views.RateCardList(data=[setup_views.rate_card(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(call, page))

    @get(
        "/{card_id:str}",
        operation_id="getRateCard",
        summary="Read a rate card",
        opt=_READ,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def one(self, call: NamedDependency[Call], card_id: FromPath[str]) -> Response[setup_views.RateCardView]:
        return answered(setup_views.rate_card(call.read(lambda tx: _owned(tx, call, card_id))))

    @post("/{card_id:str}/explain", operation_id="explainRateCard", summary="A card's price, line by line", status_code=200,
          opt=_READ, responses=refusals(*WITH_BODY, "not_found"), sync_to_thread=True)  # fmt: skip
    def explain(
        self, call: NamedDependency[Call], card_id: FromPath[str], data: JsonBody[ExplainRequest]
    ) -> Response[ExplainedPrice]:
        """What the card asks for such a pickup: freight of the zone and the chargeable weight, minimum, fuel, checks, tax."""
        row = call.read(lambda tx: _owned(tx, call, card_id))
        request = data.read(ExplainRequest, call.merchant.country)
        return answered(explained(row.body, request, call.merchant.country, call.now.date()))

    @put(
        "/{card_id:str}",
        operation_id="replaceRateCard",
        summary="Replace a rate card",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, "not_found"),
        sync_to_thread=True,
    )
    def replace(
        self, call: NamedDependency[Call], card_id: FromPath[str], data: JsonBody[RateCardRequest]
    ) -> Response[setup_views.RateCardView]:
        """As JSON, or the file itself: for choices to come; those made with it keep their prices. Where prices change on a day, add
        a card that is valid from then on instead.
        """
        call.read(lambda tx: _owned(tx, call, card_id))  # what is another's is not found, whatever the body
        card = _read(data)
        with call.kit.db.write() as tx, noted(call, tx):
            row = _owned(tx, call, card_id)
            changed = CARDS.replace(tx, row, carrier=card.carrier, service=card.service, body=card)
        return answered(setup_views.rate_card(changed))

    @delete(
        "/{card_id:str}",
        operation_id="deleteRateCard",
        summary="Remove a rate card",
        opt=_ADMIN,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def delete(self, call: NamedDependency[Call], card_id: FromPath[str]) -> None:
        """Decisions made with it keep their prices."""
        with call.kit.db.write() as tx, noted(call, tx):
            row = _owned(tx, call, card_id)
            tx.execute(tables.rate_cards.delete().where(tables.rate_cards.c.id == row.id))


def _read(data: Raw[RateCardRequest]) -> RateCard:
    """Raises ProblemError."""
    read_file = _FILES.get(data.content_type)
    if read_file is None:
        return to_card(data.read(RateCardRequest))
    try:
        card = read_file(data.content.decode())
    except UnicodeDecodeError as error:
        raise ProblemError("malformed", "the file is not UTF-8: save it as UTF-8") from error
    if isinstance(card, CardErrors):
        errors = [
            ErrorItem(line=error.line, pointer=f"/{error.field}", code="invalid", detail=f"{error.problem}: {error.cure}")
            for error in card.errors
        ]
        raise ProblemError("invalid", errors=errors)
    faults = [ErrorItem(pointer=fault.pointer, code=fault.code, detail=fault.detail) for fault in service_faults(card)]
    if faults:
        raise ProblemError("invalid", errors=faults)
    return card


def _create(tx: sa.Connection, call: Call, card: RateCard) -> Response[Any]:
    row = CARDS.insert(tx, _row(call, card, ids.new("rcd")))
    return answered(setup_views.rate_card(row), 201, {"Location": f"/v1/rate-cards/{row.id}"})


def _row(call: Call, card: RateCard, card_id: str) -> StoredCard:
    return StoredCard(
        id=card_id,
        merchant_id=call.owner.merchant_id,
        mode=call.mode,
        carrier=card.carrier,
        service=card.service,
        body=card,
        created_at=call.wall,
    )


def _owned(tx: sa.Connection, call: Call, card_id: str) -> StoredCard:
    row = CARDS.get(tx, call.owner, card_id)
    if row is None:
        raise ProblemError("not_found", f"there is no rate card {card_id}")
    return row
