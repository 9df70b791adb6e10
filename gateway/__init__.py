"""The gateway: one HTTP API over all carriers, with the ledger that books each pickup exactly once."""
