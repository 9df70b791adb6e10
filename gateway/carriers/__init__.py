"""The one place a carrier is called."""
