"""A progress bar for whoever watches; nothing is drawn into a file or a pipe."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress


def bar_of() -> Progress:
    """Return a bar that vanishes when it is done."""
    console = Console()
    return Progress(console=console, transient=True, disable=not console.is_terminal)
