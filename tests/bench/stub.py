"""The stub: the lab as it ships, its books in memory, in a process of its own: `python -m tests.bench.stub LATENCY_MS`.

It prints its address and serves until it is ended. Every answer is held back by the same latency.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from adapters.lab.engine import Lab, load_sides
from adapters.lab.server import serve


def main(latency: int) -> None:
    lab = Lab(load_sides())
    for carrier in lab.sides:
        lab.set_latency(carrier, "", latency)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(lab, port=0, started=lambda url: print(url, flush=True)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
