"""Chaos: real processes, simulated carriers with faults at every wire step, `kill -9`, and an auditor who compares the books.

`python -m tests.chaos --help`. Nothing is stubbed: returns go in through the HTTP API, parts are killed and started again, the
carriers' own books are read from the lab over HTTP and held against the ledger.
"""
