"""Child processes that never outlive the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.embedded.home import Account

_PR_SET_PDEATHSIG = 1
# Loaded here because a forked child must not load libraries before it execs.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """Return a `preexec_fn` that has the kernel send `signal_number` when this process dies; None
    where it can't.

    It must run after a change of user, which clears the setting; `subprocess` calls it in that
    order.
    """
    if _libc is None:
        return None
    parent, prctl = os.getpid(), _libc.prctl

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if (
            os.getppid() != parent
        ):  # The parent died between fork and prctl: nobody would ever tell us.
            os._exit(1)

    return before_exec


def owned_by(account: Account | None, *, dies_by: int) -> dict[str, Any]:
    """Return the arguments of `subprocess` for a child that runs as `account` and dies with us."""
    options: dict[str, Any] = {"preexec_fn": die_with_parent(dies_by)}
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def stop(process: subprocess.Popen[bytes], *, first: int, patience_seconds: float) -> None:
    """Ask a child to end with the signal `first`, and kill it when it has not ended in time."""
    if process.poll() is not None:
        return
    process.send_signal(first)
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(path: Path, count: int = 12) -> str:
    """Return the end of a log file, or an empty string when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 16_384))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])
