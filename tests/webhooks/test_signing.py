from __future__ import annotations

import base64
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks import signing
from tests.webhooks.receiver import verified

# The published test vector of the Standard Webhooks libraries.
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_ID, _AT, _BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'


def test_the_signature_is_the_one_standard_webhooks_publishes() -> None:
    assert signing.headers(_ID, _AT, _BODY, [_SECRET]) == {
        "webhook-id": _ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_during_a_rotation_either_secret_verifies() -> None:
    new, old, older = (signing.new_secret() for _ in range(3))
    headers = signing.headers(_ID, _AT, _BODY, [new, old])
    assert [verified(headers, _BODY, secret) for secret in (new, old, older)] == [True, True, False]


def test_a_secret_is_32_random_bytes_and_never_the_same() -> None:
    made = {signing.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", one) and len(base64.b64decode(one[6:])) == 32 for one in made)


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 2**32), st.integers(0, 2**32))
def test_another_body_or_another_time_does_not_verify(body: bytes, other: bytes, at: int, then: int) -> None:
    headers = signing.headers(_ID, at, body, [_SECRET])
    assert verified(headers, body, _SECRET)
    assert verified(headers, other, _SECRET) is (body == other)
    assert verified({**headers, "webhook-timestamp": str(then)}, body, _SECRET) is (at == then)
