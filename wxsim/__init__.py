"""A simulator of the WeChat platform and WeChat Pay v3 for development and tests.

It imports nothing of the application, and the application knows it by base URLs alone.
"""

from wxsim.app import create_app
from wxsim.config import App, Config, RefusedInProduction, Tunables

__all__ = ["App", "Config", "RefusedInProduction", "Tunables", "create_app"]
