"""The commands of `gateway`, one module per group, imported when one of them is called."""
