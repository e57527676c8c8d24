"""Hostile requests of many kinds, each with what the mall's server must say to it.

They are sent over real sockets to a server in a process of its own: by tests once, with exact
expectations, and by `python -m benchmarks.hostile` some thousand times, with a clock.
"""
