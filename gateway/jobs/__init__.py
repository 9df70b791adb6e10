"""Background work: the relay hands wake-ups to the queue, workers take them. The ledger knows all; the queue may lose any."""
