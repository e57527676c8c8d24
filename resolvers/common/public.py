"""How long what anybody may see is kept in memory (see `executor.hints`).

A change that an operator commits is told at once, by tag. These times bound what nobody tells:
what comes by the clock alone, such as a banner's window, a rule version's time, a label that ends
or the lowest price of the last seven days; and stock that falls without running out.
"""

KEPT_SECONDS = 30
STOCK_SECONDS = 10
"""Whether there are any pieces is told at once; whether there are few, within this."""
CLOCK_SECONDS = 1
"""Countdowns run by the server's clock: a page that asks for it is made anew each second."""
