"""The two lives, as tables: the booking's and the pickup's. Pure."""
