"""The README's Python, as the one program that it says it is."""

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[2] / "executor"
README = FOLDER / "README.md"


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language, in their order."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@cache
def program() -> ModuleType:
    """Return the module that all Python blocks make together."""
    spec = importlib.util.spec_from_loader("executor_readme", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Strawberry looks annotations up there.
    exec(compile("\n\n".join(blocks("python")), str(README), "exec"), vars(module))  # noqa: S102
    return module
