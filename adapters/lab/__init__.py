"""The lab: the simulated carriers that ship with the product and speak each carrier's real wire format.

`engine.Lab` is the whole of it in one process, `server.serve` puts it on a socket, `side.Side` is what a
carrier's own `lab.py` adds. Nothing here reaches a carrier.
"""
