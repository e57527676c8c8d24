"""Replacing what a running application reaches the outside world by."""

from dataclasses import replace
from typing import Protocol

import pytest
from starlette.types import ASGIApp

from api.app import MallApp
from api.observability import Observed


class ReplacePorts(Protocol):
    """Replaces ports of the application until the test ends: `replace_ports(sms=...)`."""

    def __call__(self, **ports: object) -> None:
        """Put these in place of the ports of the same names."""


@pytest.fixture
def replace_ports(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> ReplacePorts:
    """What another system would answer, where the simulator can't be made to."""
    assert isinstance(app, Observed)
    mall = app.app
    assert isinstance(mall, MallApp)

    def put(**ports: object) -> None:
        process = mall.process
        assert process is not None
        changed = replace(process.ports, **ports)  # type: ignore[arg-type]  # By name.
        monkeypatch.setattr(mall, "process", replace(process, ports=changed))

    return put
