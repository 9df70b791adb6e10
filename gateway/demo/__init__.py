"""The demonstration: a returns platform, its customers and an operator, played over the HTTP API against the lab's carriers.

Only the merchant and its key are made in this process; everything else goes the way any caller's requests go. All carriers,
prices, riders and customers are simulated.
"""
