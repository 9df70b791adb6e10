"""Merchants: made, listed and changed by a key of the installation. A merchant's own key sees itself and nobody else."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.services import enrolling
from gateway.services.enrolling import NameTaken, NoFirstPolicy
from gateway.services.recording import recorded
from gateway.store import merchants, tables
from gateway.store.audit import chain_of
from gateway.store.keyset import Order
from gateway.store.merchants import MERCHANTS, Merchant
from gateway.store.rows import Owner
from gateway.web import admin_shapes, paging, setup_views
from gateway.web.access import answered, scope
from gateway.web.admin_shapes import FirstKey, MerchantPatch, MerchantRequest
from gateway.web.bodies import JsonBody
from gateway.web.contract import LINK, LOCATION, WITH_BODY, refusals
from gateway.web.installation import Visitor
from gateway.web.noting import outer_fields
from gateway.web.problems import ErrorItem, ProblemError
from gateway.web.views import page_info

_ADMIN = scope()
_SORTS = paging.Sorts({"-id": Order(columns=(tables.merchants.c.id,), falling=True)})


class Merchants(Controller):
    path = "/merchants"
    tags = ["Administration"]

    @post(
        "/",
        operation_id="createMerchant",
        summary="Make a merchant",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, "name_taken"),
        response_headers=[LOCATION],
        sync_to_thread=True,
    )
    def create(self, visitor: NamedDependency[Visitor], data: JsonBody[MerchantRequest]) -> Response[admin_shapes.MerchantView]:
        """With its first policy in its own currency and its first API keys, told once. The name is what makes a repeat harmless:
        asked again, the answer is 409 and names the merchant there is.
        """
        visitor.installation()
        request = data.read(MerchantRequest, visitor.wall)
        with visitor.kit.db.write() as tx:
            row = _enrolled(tx, visitor, request)
            keys = [_first_key(tx, visitor, row, one) for one in request.keys]
        return answered(admin_shapes.merchant(row, keys), 201, {"Location": f"/v1/merchants/{row.id}"})

    @get(
        "/",
        operation_id="listMerchants",
        summary="List merchants",
        opt=_ADMIN,
        responses=refusals(),
        response_headers=[LINK],
        sync_to_thread=True,
    )
    def list(
        self,
        visitor: NamedDependency[Visitor],
        limit: paging.Limit = 25,
        after: paging.After = None,
        before: paging.Before = None,
    ) -> Response[admin_shapes.MerchantList]:
        """Newest first."""
        visitor.installation()
        with visitor.kit.db.read() as tx:
            page = _SORTS.page(tx, MERCHANTS, [], sort=None, limit=limit, after=after, before=before)
        found = admin_shapes.MerchantList(data=[admin_shapes.merchant(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(visitor, page))

    @get("/{merchant_id:str}", operation_id="getMerchant", summary="Read a merchant", opt=_ADMIN, responses=refusals("not_found"),
         sync_to_thread=True)  # fmt: skip
    def one(self, visitor: NamedDependency[Visitor], merchant_id: FromPath[str]) -> Response[admin_shapes.MerchantView]:
        """A merchant's own key with the scope `admin` may read itself."""
        with visitor.kit.db.read() as tx:
            return answered(admin_shapes.merchant(_found(tx, visitor, merchant_id)))

    @patch(
        "/{merchant_id:str}",
        operation_id="updateMerchant",
        summary="Change a merchant",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, "not_found", "name_taken"),
        sync_to_thread=True,
    )
    def update(
        self, visitor: NamedDependency[Visitor], merchant_id: FromPath[str], data: JsonBody[MerchantPatch]
    ) -> Response[admin_shapes.MerchantView]:
        """What is left out stays."""
        with visitor.kit.db.read() as tx:
            _found(tx, visitor, merchant_id)
        who = visitor.author()
        changes = _changes(data.read(MerchantPatch), outer_fields(data.content))
        with visitor.kit.db.write() as tx, recorded(tx, who, merchant_id, visitor.wall):
            row = _found(tx, visitor, merchant_id)
            same = merchants.by_name(tx, changes.get("name", row.name))
            if same and same.id != row.id:
                raise _taken(NameTaken(same.name, same.id))
            changed = MERCHANTS.replace(tx, row, **changes) if changes else row
        return answered(admin_shapes.merchant(changed))

    @post(
        "/{merchant_id:str}/api-keys",
        operation_id="createMerchantApiKey",
        summary="Make an API key for a merchant",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, "not_found"),
        response_headers=[LOCATION],
        sync_to_thread=True,
    )
    def create_key(
        self, visitor: NamedDependency[Visitor], merchant_id: FromPath[str], data: JsonBody[FirstKey]
    ) -> Response[setup_views.KeyView]:
        """For either mode; the answer holds the key itself, and it is not told again."""
        with visitor.kit.db.read() as tx:
            row = _found(tx, visitor, merchant_id)
        visitor.installation()
        request = data.read(FirstKey, visitor.wall)
        with visitor.kit.db.write() as tx:
            made = _first_key(tx, visitor, row, request)
        return answered(made, 201, {"Location": f"/v1/api-keys/{made.id}"})


def _enrolled(tx: sa.Connection, visitor: Visitor, request: MerchantRequest) -> Merchant:
    """Raises ProblemError where the name is taken, or its currency has no rate and no amounts were given."""
    with recorded(tx, visitor.author(), "", visitor.wall) as change:
        try:
            row = enrolling.enrol(tx, admin_shapes.newcomer(request), visitor.kit.rates(), visitor.wall)
        except NameTaken as error:
            raise _taken(error) from error
        except NoFirstPolicy as error:
            raise ProblemError("invalid", errors=[ErrorItem(pointer="/policy", code="no_rate", detail=str(error))]) from error
        change.object_id = row.id
    return row


def _first_key(tx: sa.Connection, visitor: Visitor, row: Merchant, request: FirstKey) -> setup_views.KeyView:
    """Recorded in the log of the merchant and mode it is for."""
    owner = Owner(row.id, request.mode)
    with recorded(tx, visitor.author(chain_of(owner)), "", visitor.wall) as change:
        scopes = tuple(dict.fromkeys(request.scopes))
        key, text = merchants.create_key(tx, owner, request.name, scopes, visitor.wall, request.expires_at)
        change.object_id = key.id
    return setup_views.key(key, text)


def _changes(request: MerchantPatch, given: tuple[str, ...]) -> dict[str, Any]:
    """By name; the retention alone may be set to null."""
    values = msgspec.structs.asdict(request)
    return {name: value for name, value in values.items() if name in given and (value is not None or name == "retention_days")}


def _found(tx: sa.Connection, visitor: Visitor, merchant_id: str) -> Merchant:
    """Raises ProblemError; another's looks like none."""
    row = MERCHANTS.first(tx, tables.merchants.c.id == merchant_id) if visitor.may_see(merchant_id) else None
    if row is None:
        raise ProblemError("not_found", f"there is no merchant {merchant_id}")
    return row


def _taken(error: NameTaken) -> ProblemError:
    return ProblemError("name_taken", str(error), existing=error.merchant_id)
