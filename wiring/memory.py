"""How often a process that serves looks for garbage that reference counts don't free."""

import gc

COLLECT_AFTER = 20_000
"""New objects that hold others, before the youngest are looked at.

Python's own 700 are fewer than the requests under way hold: each look finds them all alive, and
that took a fifth of the time of a page of products. What is garbage waits longer: some megabytes.
"""

COLLECT_OLDER_AFTER = 5
"""Looks at the youngest before those that outlived one are looked at.

By Python's own 10, refused requests left tens of megabytes before anything looked for them.
"""

COLLECT_OLDEST_AFTER = 1
"""Looks at those before the oldest are looked at, too; CPython does so only when there are a
quarter more of them than the last time.

By its own 10, a flood of documents that are compiled and dropped again left 200,000 objects for one
look, which took half a second.
"""


def settle() -> None:
    """Call when a process has started: what stands by now stays, and no look need go over it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, COLLECT_OLDER_AFTER, COLLECT_OLDEST_AFTER)
