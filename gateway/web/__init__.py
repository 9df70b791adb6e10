"""The HTTP API (docs at /docs, the contract in openapi.json). Its siblings `console` and `jobs` are not known here."""
