"""PostgreSQL and Valkey on a bare machine: found, started, shared and stopped by us.

`acquire(home)` is the way in. The first user of a home spawns a keeper process (`keeper.py`) that
owns both servers; every user holds a shared lock while it works, and the keeper stops the servers
when the last of those locks is gone. The kernel drops a lock when its holder dies, however it dies,
so nothing is left running and nothing has to be counted.
"""

from cli.embedded.home import ServersUnavailable, prepare_home
from cli.embedded.share import SharedServers, acquire

__all__ = ["ServersUnavailable", "SharedServers", "acquire", "prepare_home"]
