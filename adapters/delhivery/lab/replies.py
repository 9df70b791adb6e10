"""What every endpoint answers with."""

from __future__ import annotations

import msgspec

from adapters.lab.side import Reply

VEIL = "There has been an error but we were asked to not let you see that. Please contact the dev team."


def json_reply(body: object, status: int = 200) -> Reply:
    return Reply(status=status, body=msgspec.json.encode(body))
