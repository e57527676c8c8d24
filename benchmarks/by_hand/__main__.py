"""The server to be measured against: `python -m benchmarks.by_hand`, with `BENCHMARK_PORT`."""

import os

import uvicorn

from api.server import server_options
from benchmarks.by_hand.app import application
from settings import load
from wiring import memory

if __name__ == "__main__":
    app = application()
    memory.settle()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["BENCHMARK_PORT"]),
        loop="uvloop",
        **server_options(load()),
    )
