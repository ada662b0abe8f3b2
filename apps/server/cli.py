"""`python -m apps.server module:application`: daphne's command line, with our server and its limits."""

import sys
from collections.abc import Callable
from functools import partial

import daphne.cli

from apps.server.limits import Limits
from apps.server.server import Server


class CommandLineInterface(daphne.cli.CommandLineInterface):
    """Daphne's options, and one for each of `Limits`."""

    description = "ASGI server: daphne with flow control, bounded input and a drain"
    server_class: Callable[..., Server] = Server

    def __init__(self) -> None:
        super().__init__()
        Limits.add_arguments(self.parser)

    def run(self, args: list[str]) -> None:
        arguments = self.parser.parse_args(args)
        limits = Limits.from_arguments(vars(arguments))
        # Daphne passes its own options, some of which are limits of ours.
        self.parser.set_defaults(
            ping_interval=limits.ping_s,
            websocket_max_message_size=limits.max_message_bytes,
            websocket_max_frame_size=limits.max_message_bytes,
        )
        self.server_class = partial(Server, limits=limits)
        try:
            super().run(args)
        finally:
            server = getattr(self, "server", None)
            if server is not None and server.listen_failure is not None:
                sys.stderr.write(f"error: {server.listen_failure}\n")
