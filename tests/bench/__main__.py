"""`make bench`: everything, one after the other. Exits 1 where a run did not measure what it says."""

from __future__ import annotations

import sys

from tests.bench import bookings, choice, idle, labels, outage, quotes, scorecards, soap, webhooks
from tests.bench.measuring import Broken

_REMEMBERED = 100_000  # bookings, in seconds; `python -m tests.bench.scorecards` takes a million, in minutes


def main() -> int:
    try:
        quotes.main()
        print()
        bookings.main()
        print()
        idle.main()
        print()
        choice.main()
        print()
        scorecards.main(_REMEMBERED)
        print()
        soap.main()
        print()
        labels.main()
        print()
        webhooks.main()
        print()
        outage.main()
    except Broken as error:
        print(f"broken: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
