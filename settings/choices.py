"""What a setting may be one of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """Where the program runs, which decides what it must refuse."""

    DEV = "dev"
    TEST = "test"
    PRODUCTION = "production"


class SmsSender(StrEnum):
    """Who carries the SMS codes."""

    SIMULATOR = "simulator"
    WEBHOOK = "webhook"
    TENCENT = "tencent"
    OFF = "off"


class UploadStorage(StrEnum):
    """Where uploaded files are kept."""

    LOCAL = "local"
    S3 = "s3"


class LogFormat(StrEnum):
    """How a log line is written."""

    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times within so many seconds."""

    times: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read "120/60".

        Raises:
            ValueError: it is no rate, or one that lets nobody through.
        """
        times, _, seconds = text.partition("/")
        rate = cls(int(times), int(seconds))
        if rate.times < 1 or not 1 <= rate.seconds <= 7 * 86_400:
            raise ValueError("not a rate")
        return rate

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"{self.times}/{self.seconds}"
