"""The dated currency rates, from a file that may be written anew at any time: the newest content counts from the next choice on."""

from __future__ import annotations

from pathlib import Path

import structlog

from gateway.settings import BadSetting, Settings
from rates.currency import RateTable
from rates.ratefiles import BadRates, read_rates

_log = structlog.get_logger()


def currency_rates(settings: Settings) -> tuple[RateTable, ...]:
    """What the file says now; none without it. Raises BadSetting."""
    try:
        return read_rates(settings.currency_rates.read_text())
    except FileNotFoundError:
        return ()
    except (BadRates, OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{settings.currency_rates}: {error}") from error


class Exchange:
    """The rates by the file, looked at on each call and read when it changed. Raises BadSetting where it is wrong at the start;
    later the last good one holds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp = _stamp(settings.currency_rates)
        self._tables = currency_rates(settings)

    def __call__(self) -> tuple[RateTable, ...]:
        stamp = _stamp(self._settings.currency_rates)
        if stamp != self._stamp:
            self._stamp = stamp
            self._read()
        return self._tables

    def _read(self) -> None:
        try:
            self._tables = currency_rates(self._settings)
        except BadSetting as error:
            _log.error("currency rates left as they were", why=str(error))


def _stamp(path: Path) -> tuple[int, int]:
    """Of a file's content: when it was written and how long it is."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
