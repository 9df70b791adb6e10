"""Signing in to Ekart Elite.

OpenAPI file 3.8.8, `get_access_token_v2` (A). The same token is handed out for 24 hours, its `expires_in` falling.
"""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote

import httpx
import msgspec

from adapters.contract.carrier import Access, SoFar, Token, one_step
from adapters.contract.errors import Misread
from adapters.ekart import wire

_LONGEST = 366 * 86400  # seconds; more is no time to live


class Reply(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: int


def build(question: None, access: Access, so_far: SoFar) -> httpx.Request:
    return httpx.Request(
        "POST",
        f"{access.base_url}/integrations/v2/auth/token/{quote(access.secrets['client_id'], safe='')}",
        json={"username": access.secrets["username"], "password": access.secrets["password"]},
    )


def parse(response: httpx.Response, question: None, so_far: SoFar) -> Token:
    reply = wire.read(response, Reply)
    if reply.token_type.casefold() != "bearer" or not reply.access_token or not 0 < reply.expires_in <= _LONGEST:
        raise Misread("a token that is not a bearer's, is empty, has run out or never does")
    return Token(value=reply.access_token, expires_in=dt.timedelta(seconds=reply.expires_in))


SIGN_IN = one_step(build, parse, repeatable=True)
