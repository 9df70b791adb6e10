"""The gateway as production runs it: many processes on one PostgreSQL and one Redis, some of them killed.

`python -m tests.fleet --pickups 2000` books that many pickups through two API processes, kills one of each kind midway and starts
it again, and then compares the ledger with the simulated carriers' own books.
"""
