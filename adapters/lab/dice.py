"""Dice that are salted hashes, not one stream: what falls for one account is untouched by what others do, and when."""

from __future__ import annotations

import hashlib

_BITS = 48  # fewer than a float's 53, so that no roll rounds up to 1


def roll(seed: int, *salt: str) -> float:
    """A number in [0, 1) that depends on the seed and the salt only."""
    digest = hashlib.blake2b("\x1f".join((str(seed), *salt)).encode(), digest_size=_BITS // 8).digest()
    return int.from_bytes(digest, "big") / 2.0**_BITS
