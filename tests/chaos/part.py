"""`python -m tests.chaos.part PART`: one part as `gateway.processes` runs it, but on a wall that the run moves on."""

from __future__ import annotations

import sys

from gateway import clock, settings
from tests.chaos.hours import Hours

if __name__ == "__main__":
    clock.wall = Hours(settings.from_environment().data_dir).wall  # before anything else keeps the real one
    from gateway.jobs import relay
    from gateway.processes.__main__ import main

    relay._SWEEP = relay._SWEEP_EMBEDDED  # on PostgreSQL too: a day is over in seconds here
    sys.exit(main(sys.argv[1]))
