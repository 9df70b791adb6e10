"""Webhooks to merchants: what may be called, how a message is signed, when it is tried again, and the one place it is sent."""
