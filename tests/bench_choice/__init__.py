"""The proof of the choice: `make bench-choice`, or `python -m tests.bench_choice --help`.

A simulator of its own, without the gateway and without the lab, plays the same pickups by the product's own `rates.choice` and
`rates.estimates`, by six other rules on the same estimates, and by an oracle that knows the truth. How to read it:

- *regret* is what a rule's pickups cost more than the oracle's, in per cent of the oracle's cost: the mean over all seeds and the
  range between the best and the worst. Every rule meets the same pickups, customers and luck (common random numbers).
- *seeds lost by ours* counts the seeds on which that rule was not dearer than ours; *clearly*, those on which ours was dearer by
  two standard errors: bills are of pickups that were collected or not as the dice fell, so small differences are luck.
- The oracle is no rule one could have: it knows each carrier's chance at each postal code that day, strikes included, and how
  likely the customer is to open after all visits so far. What it cannot know is tomorrow.
- *ours, told chances* is our rule with nothing left to learn but the weather: it knows each carrier's lasting chance at each postal
  code, without drift, monsoon and strikes. Where another rule beats that one too, learning better would not help.
- *normal* is the world's parameters as printed; *drift x2* makes walks twice as wide and strikes twice as frequent; *dear
  failures* makes a failed visit cost four times as much. *rough* (only if asked for) is a world in which carriers change faster and
  strike more often than a rule that hears of failures days later can follow: the first one tried here, kept for comparison.
- A limit that is missed is printed as MISSED and fails nothing.
"""
