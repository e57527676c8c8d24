"""Builds what the edges share out of the settings: the pool, and the gateways behind the ports.

`api`, `jobs` and `cli` must not import one another, and gateways must not read settings; this is
the one place that knows both.
"""
