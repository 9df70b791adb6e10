"""The uniform words every carrier is described in: values, questions, answers, errors.

No I/O here. `httpx` appears only as the `Request`/`Response` values of `carrier.py`, which is
therefore not imported by this package file: `adapters.contract.units` alone loads no HTTP client.
"""
