"""What is wrong with the settings, said to a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that cannot be used. Its value is not repeated: it may be a secret."""

    name: str
    wrong: str
    expected: str

    def __str__(self) -> str:
        return f"{self.name}: {self.wrong}; expected {self.expected}"


class SettingsError(Exception):
    """The settings cannot be used; it carries every problem, not the first alone."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
