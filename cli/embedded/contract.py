"""What a keeper and the users of its servers agree on: the task, the state file and the locks of
a home.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from cli.embedded.binaries import Choice
from cli.embedded.home import Account, Home
from cli.embedded.locks import FileLock


@dataclass(frozen=True, slots=True)
class Task:
    """What the keeper is asked to run."""

    path: str
    account: Account | None
    temporary: bool
    choice: Choice
    with_postgres: bool
    with_valkey: bool
    durable: bool

    @property
    def home(self) -> Home:
        return Home(Path(self.path), self.account, self.temporary)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = json.loads(text)
        account = fields.pop("account")
        return cls(account=Account(**account) if account else None, **fields)


@dataclass(frozen=True, slots=True)
class State:
    """Where the servers of a home answer, as the keeper wrote it.

    An empty URL is a server that does not run.
    """

    database_url: str
    redis_url: str

    @classmethod
    def read(cls, home: Home) -> Self:
        return cls(**json.loads(state_file(home).read_text()))

    def write(self, home: Home) -> None:
        target = state_file(home)
        fresh = target.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(target)


def state_file(home: Home) -> Path:
    return home.path / "servers.json"


def users_lock(home: Home) -> FileLock:
    """Held shared by every user of the servers, and exclusively by a keeper that is stopping
    them.
    """
    return FileLock(home.path / "users.lock")


def keeper_lock(home: Home) -> FileLock:
    """Held exclusively by a keeper as long as it lives."""
    return FileLock(home.path / "keeper.lock")
