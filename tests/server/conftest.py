"""A server of ours for each test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.server.served import Served


class Serve(Protocol):
    """Starts a server; see the fixture `serve`."""

    def __call__(self, **options: Any) -> Served: ...


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers: `serve(stall_s=1.0)`. The arguments are those of `Served`. They end with the test."""
    with ExitStack() as running:

        def start(**options: Any) -> Served:
            server = Served(tmp_path / str(len(list(tmp_path.iterdir()))), **options)
            running.callback(server.kill)
            return server.start()

        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run one server for the tests of a module that leave it as it was."""
    server = Served(tmp_path_factory.mktemp("server"))
    try:
        yield server.start()
    finally:
        server.kill()
