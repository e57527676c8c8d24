"""The server to be measured against: `python -m benchmarks.by_hand`, with `BENCHMARK_PORT`."""

import os

import uvicorn

from benchmarks.by_hand.app import application
from wiring import memory

if __name__ == "__main__":
    app = application()
    memory.settle()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["BENCHMARK_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )
