"""Benchmarks: `make bench` prints them all, each beside its floor in the same run.

A budget that is missed is printed as MISSED and fails nothing; a run that did not measure what it says is broken (exit 1).
`python -m tests.bench.choice`, `.quotes`, `.soap` and `.labels` run one alone. How to read the quotes:

- *gateway* is POST /v1/quotes through the API's own process, started as `gateway api` starts it. The carriers are the lab, every
  answer held back by the same latency. Each question is about a lane nobody asked about before, so nothing comes from memory; the
  stub's count of calls is held against that (two questions about pins and one about days at each carrier, and Ekart's price).
- *httpx* and *streams* are floors: the same calls, made ready before, all at once, from a bare process; over httpx's transport as
  it comes, one per account, and over plain asyncio streams. Nothing is read, chosen or answered there. The last columns are
  multiples of the streams.
- *p50*, *p99*: wall time over all requests; in brackets the lowest and the highest median of a round. p99 of so few requests is
  nearly the worst of them, and on a busy machine says more about the neighbours than about the gateway.
- *CPU*: user and system time of the whole process per request, in brackets by round. It is the figure to trust.
- Stub and load share one core; the gateway and the floors, of which one works at a time, have the other. A round is all variants
  in turn, the next one goes backwards. A floor whose CPU varies by more than 15 % between rounds is named as noisy: judge nothing
  then.
"""
