"""What the environment says, read once at the edges into one frozen object."""

from settings.errors import Problem, SettingsError
from settings.model import Profile, Settings, load

__all__ = ["Problem", "Profile", "Settings", "SettingsError", "load"]
