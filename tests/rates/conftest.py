"""Laws are checked without a deadline: how busy the machine is says nothing of them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
