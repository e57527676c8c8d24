"""The Lua scripts, each a file beside this one; they keep to Redis 6.2 and to one hash tag."""

from __future__ import annotations

from importlib.resources import files


def source(name: str) -> str:
    """Return the text of `<name>.lua`."""
    return files(__name__).joinpath(f"{name}.lua").read_text("utf-8")
