"""Where the servers' data lives, and the user that the servers run as.

PostgreSQL refuses to run as root. As root we therefore run the servers as `nobody`, who has to be
able to walk down to the data: a checkout below a 0700 home cannot be walked, and then the data goes
below `/var/lib/membermall`.
"""

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

SYSTEM_BASE = Path("/var/lib/membermall")


class ServersUnavailable(Exception):
    """The servers cannot be had; the message tells a person what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system user that the servers run as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Home:
    """A closed folder for everything that a running mall keeps on disk."""

    path: Path
    account: Account | None
    """Whom the servers run as; None when that is the present user."""
    temporary: bool = False
    """True when the keeper removes the folder after the last use."""

    @property
    def servers(self) -> Path:
        """The folder that belongs to the servers' user: data and copied binaries."""
        return self.path / "servers"

    @property
    def logs(self) -> Path:
        return self.path / "logs"


def prepare_home(wanted: Path, *, fallback_is_temporary: bool = False) -> Home:
    """Make the folder at `wanted` ready for use, or as root one that the servers' user can reach.

    Raises `ServersUnavailable` when the folder belongs to someone else or cannot be made.
    """
    wanted = wanted.resolve()
    account = server_account()
    home = Home(path=wanted, account=account)
    if account is not None and not reachable(wanted, account):
        home = Home(
            path=SYSTEM_BASE / _key(wanted), account=account, temporary=fallback_is_temporary
        )
    try:
        _make_closed(home)
    except OSError as error:
        raise ServersUnavailable(
            f"MALL_HOME {home.path} cannot be used: {error.strerror}."
            " Set MALL_HOME to a folder that you may write."
        ) from error
    return home


def server_account() -> Account | None:
    """Return the user to drop to, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def reachable(path: Path, account: Account) -> bool:
    """Say whether `account` may walk through every existing folder above `path`."""
    above = path.resolve().parents
    return all(_may_enter(folder.stat(), account) for folder in above if folder.exists())


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _key(path: Path) -> str:
    """Name the data of one checkout: readable, and unique by its whole path."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return f"{path.parent.name or 'root'}-{digest}"


def _make_closed(home: Home) -> None:
    home.path.parent.mkdir(parents=True, exist_ok=True)
    home.path.mkdir(mode=0o700, exist_ok=True)
    account = home.account
    for folder in (home.logs, home.servers):
        folder.mkdir(mode=0o700, exist_ok=True)
    owner = home.servers.stat().st_uid
    if account is None:
        if owner != os.geteuid():
            raise ServersUnavailable(
                f"The data in {home.servers} belongs to another user (uid {owner}), who made it."
                " Run as that user (root when it is `nobody`), or set MALL_HOME to another folder."
            )
        return
    # Root owns the folder and only the servers' group may pass through it to the one subfolder that
    # is theirs.
    os.chown(home.path, 0, account.gid)
    home.path.chmod(0o710)
    if owner != account.uid:
        if any(home.servers.iterdir()):
            raise ServersUnavailable(
                f"The data in {home.servers} was made by another user (uid {owner})."
                " Run as that user, or set MALL_HOME to another folder."
            )
        os.chown(home.servers, account.uid, account.gid)
