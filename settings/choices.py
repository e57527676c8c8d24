"""What a setting may be one of."""

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
