"""The mall without looking ahead: `python -m benchmarks.by_level`, at `BENCHMARK_PORT`.

No root field knows what is asked below it: each field that fetches is one call for its level, and
reads whole rows. It is what a schema gets for declaring its fields as batched, and nothing else.
"""

from __future__ import annotations

import os
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from api.server import server_options
from cli.serve import application
from resolvers.member.catalog import shapes
from settings import load

if __name__ == "__main__":
    shapes.looks_ahead = False
    uvicorn.run(
        cast("ASGIApp", application()),
        host="127.0.0.1",
        port=int(os.environ["BENCHMARK_PORT"]),
        loop="uvloop",
        **server_options(load()),
    )
