"""What the environment says, read once at the edges into one frozen object."""

from settings.choices import LogFormat, Profile, Rate, SmsSender, UploadStorage
from settings.errors import Problem, SettingsError
from settings.model import Settings, load

__all__ = [
    "LogFormat",
    "Problem",
    "Profile",
    "Rate",
    "Settings",
    "SettingsError",
    "SmsSender",
    "UploadStorage",
    "load",
]
