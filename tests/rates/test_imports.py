"""The rates are pure: choosing loads no HTTP client and no SOAP codec, nor anything else that does I/O."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import rates

_HEAVY = ("httpx", "zeep", "redis", "rq", "litestar", "sqlalchemy", "holidays", "phonenumbers", "adapters.contract.carrier")
_MODULES = sorted(f"rates.{path.stem}" for path in Path(rates.__path__[0]).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("modules", [["rates.choice"], _MODULES], ids=["choice", "all"])
def test_a_fresh_interpreter_that_chooses_loads_nothing_heavy(modules):
    program = f"import sys, {', '.join(modules)}; print([name for name in {_HEAVY!r} if name in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(rates.__path__[0]).parent
    )
    assert run.stdout.strip() == "[]"
