"""Carrier accounts: a merchant's contracts with carriers. Credentials are written and never read back."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import sqlalchemy as sa
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from adapters.contract.errors import CarrierError, Refused
from gateway.carriers import registry
from gateway.services import pausing, verifying
from gateway.services.commanding import WrongState
from gateway.store import accounts, tables
from gateway.store.accounts import ACCOUNTS, CarrierAccount
from gateway.store.ledger import BOOKINGS
from gateway.web import paging, setup_views
from gateway.web.access import Call, IdempotencyKey, answered, scope
from gateway.web.bodies import JsonBody
from gateway.web.carrier_problems import from_carrier
from gateway.web.contract import LINK, LOCATION, REPLAYED, WITH_BODY, WITH_KEY, refusals
from gateway.web.noting import noted
from gateway.web.problems import ProblemError
from gateway.web.repeats import attempt_of, once
from gateway.web.setup_shapes import AccountAbout, AccountPatch, AccountRequest, merge
from gateway.web.views import page_info

_ADMIN = scope()


class CarrierAccounts(Controller):
    path = "/carrier-accounts"
    tags = ["Carriers"]

    @post(
        "/",
        operation_id="createCarrierAccount",
        summary="Add a carrier account",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, *WITH_KEY),
        response_headers=[LOCATION, REPLAYED],
        sync_to_thread=True,
    )
    def create(
        self, call: NamedDependency[Call], data: JsonBody[AccountRequest], idempotency_key: IdempotencyKey = None
    ) -> Response[setup_views.AccountView]:
        """The answer holds the address for this carrier's pushes, with its secret: it is not told again."""
        known = AccountAbout(mode=call.mode, egress_allow=call.settings.egress_allow)
        attempt = attempt_of(call, idempotency_key, data.content)
        return once(call, attempt, lambda _: data.read(AccountRequest, known), lambda tx, request: _create(tx, call, request))

    @get(
        "/",
        operation_id="listCarrierAccounts",
        summary="List carrier accounts",
        opt=_ADMIN,
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
    ) -> Response[setup_views.AccountList]:
        """Newest first."""
        page = call.read(lambda tx: paging.page_of(tx, call, ACCOUNTS, [], limit, after, before))
        found = setup_views.AccountList(data=[setup_views.account(row) for row in page.data], page=page_info(page))
        return answered(found, headers=paging.link(call, page))

    @get(
        "/{account_id:str}",
        operation_id="getCarrierAccount",
        summary="Read a carrier account",
        opt=_ADMIN,
        responses=refusals("not_found"),
        sync_to_thread=True,
    )
    def one(self, call: NamedDependency[Call], account_id: FromPath[str]) -> Response[setup_views.AccountView]:
        return answered(setup_views.account(call.read(lambda tx: _owned(tx, call, account_id))))

    @patch(
        "/{account_id:str}",
        operation_id="updateCarrierAccount",
        summary="Change a carrier account",
        opt=_ADMIN,
        responses=refusals(*WITH_BODY, "not_found"),
        sync_to_thread=True,
    )
    def update(
        self, call: NamedDependency[Call], account_id: FromPath[str], data: JsonBody[AccountPatch]
    ) -> Response[setup_views.AccountView]:
        """What is left out stays. Switched on again (`enabled`), it is asked again."""
        with call.kit.db.write() as tx, noted(call, tx):
            row = ACCOUNTS.held(tx, _owned(tx, call, account_id).id)
            changes = _changes(call, row, data)
            row = pausing.resume(tx, row, call.wall) if changes.get("enabled") else row
            changed = ACCOUNTS.replace(tx, row, **changes)
        return answered(setup_views.account(changed))

    @post(
        "/{account_id:str}/verify",
        operation_id="verifyCarrierAccount",
        summary="Ask the carrier whether it takes the credentials",
        status_code=200,
        opt=_ADMIN,
        responses=refusals("not_found", "wrong_state", "carrier_refused", "carrier_unavailable", "lab_not_running"),
    )
    async def verify(self, call: NamedDependency[Call], account_id: FromPath[str]) -> Response[setup_views.Verification]:
        """Something harmless is asked. Taken credentials end a pause (`carrier_account.enabled` is told); one that you switched off
        yourself stays off. Refused ones pause the account (409, `carrier_account.disabled`); silence changes nothing (503).
        """
        row = await asyncio.to_thread(call.read, lambda tx: _owned(tx, call, account_id))
        name, opened = registry.carrier(row.carrier).name, accounts.opened(call.kit.vault, row)
        try:
            asked = await verifying.ask(call.kit, opened, call.now)
        except verifying.Nothing as error:
            raise WrongState(str(error)) from error
        except Refused as refusal:
            await asyncio.to_thread(_settle, call, account_id, refusal)
            raise from_carrier(name, refusal) from refusal
        except CarrierError as error:
            raise from_carrier(name, error) from error
        settled = await asyncio.to_thread(_settle, call, account_id, None)
        return answered(setup_views.Verification(asked=asked, account=setup_views.account(settled)))

    @delete(
        "/{account_id:str}",
        operation_id="deleteCarrierAccount",
        summary="Remove a carrier account",
        opt=_ADMIN,
        responses=refusals("not_found", "wrong_state"),
        sync_to_thread=True,
    )
    def delete(self, call: NamedDependency[Call], account_id: FromPath[str]) -> None:
        """Only one that was never asked to book; any other can be switched off."""
        with call.kit.db.write() as tx, noted(call, tx):
            row = _owned(tx, call, account_id)
            if BOOKINGS.first(tx, tables.bookings.c.account_id == row.id):
                raise WrongState('bookings were made with it: switch it off instead (PATCH {"enabled": false})')
            tx.execute(tables.carrier_accounts.delete().where(tables.carrier_accounts.c.id == row.id))


def _settle(call: Call, account_id: str, refusal: Refused | None) -> CarrierAccount:
    with call.kit.db.write() as tx, noted(call, tx):
        return verifying.settle(tx, account_id, refusal, call.wall)


def _create(tx: sa.Connection, call: Call, request: AccountRequest) -> Response[Any]:
    token = secrets.token_urlsafe(32)
    row = accounts.add(
        tx,
        call.kit.vault,
        call.owner,
        carrier=request.carrier,
        name=request.name or registry.carrier(request.carrier).name,
        secrets=request.credentials,
        settings=request.settings,
        callback_token=token,
        now=call.wall,
        base_url=request.base_url.rstrip("/"),
        services=request.services,
    )
    return answered(setup_views.account(row, _callback_url(call, row, token)), 201, {"Location": f"/v1/carrier-accounts/{row.id}"})


def _callback_url(call: Call, row: CarrierAccount, token: str) -> str:
    """Where the carrier's pushes go, or "" where it pushes nothing."""
    pushes = registry.carrier(row.carrier).read_callback is not None
    return f"{call.settings.api_url}/v1/callbacks/{row.carrier}/{token}" if pushes else ""


def _changes(call: Call, row: CarrierAccount, data: Any) -> dict[str, Any]:
    opened = accounts.opened(call.kit.vault, row)
    known = AccountAbout(
        mode=call.mode,
        egress_allow=call.settings.egress_allow,
        carrier=registry.carrier(row.carrier),
        secrets=opened.secrets,
        settings=opened.settings,
    )
    request: AccountPatch = data.read(AccountPatch, known)
    plain = {"name": request.name, "services": request.services, "base_url": request.base_url, "enabled": request.enabled}
    changes = {name: value for name, value in plain.items() if value is not None}
    sealed = call.kit.vault.seal(merge(opened.secrets, request.credentials), row.merchant_id, row.id)
    return {**changes, "secrets": sealed, "settings": merge(opened.settings, request.settings), "updated_at": call.wall}


def _owned(tx: sa.Connection, call: Call, account_id: str) -> CarrierAccount:
    row = ACCOUNTS.get(tx, call.owner, account_id)
    if row is None:
        raise ProblemError("not_found", f"there is no carrier account {account_id}")
    return row
