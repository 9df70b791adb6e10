"""Prices, policy, estimates and the choice of a carrier: pure functions on values, no I/O and no clock."""
