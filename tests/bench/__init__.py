"""Benchmarks: `make bench` prints them all, each beside its floor in the same run; a missed budget is printed, nothing fails on time.

`python -m tests.bench.choice` and `python -m tests.bench.quotes` run one alone. How to read the quotes' table:

- *gateway* is POST /v1/quotes through the API's own process, as `gateway api` runs it; the carriers are the lab with every answer
  held back by the same latency. Each question is about a lane nobody asked about before, so nothing comes from memory: the stub's
  count of calls proves it (two questions about pins and one about days at each carrier, and Ekart's price).
- *httpx* and *streams* are floors: the same calls, ready-made, all at once from a bare process, over the pools the gateway uses and over
  plain asyncio streams. Nothing is read, chosen or answered there. The last column is a multiple of the floor.
- *p50* and *p99* are wall time in milliseconds over all requests, with the lowest and highest median of a round in brackets. p99 of so few
  requests is nearly the worst of them, and on a busy machine tells more about the neighbours than about the gateway.
- *CPU* is user and system time of the whole process, in milliseconds a request, with the rounds' range: the figure to trust.
- The stub and the load generator share one core, the gateway and the floors the other, one of them at work at a time. A round is
  gateway, httpx, streams; the next goes backwards. A floor whose rounds differ by more than 15 % says that the machine is too busy to judge.
"""
