"""Group buys: campaigns, their teams, and who sits in them."""
