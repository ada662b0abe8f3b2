"""`manage.py runserver`: daphne's, on our server. The app stands before daphne in INSTALLED_APPS to get its turn."""

import os
from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver

from apps.server.limits import Limits
from apps.server.management.commands.serve import add_client_address_header, headers_of_the_proxy, listen_failure
from apps.server.server import Server


class Command(DaphneRunserver):
    _server: Server | None = None
    _headers: dict[str, Any]

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        # Daphne passes its own, larger ones.
        limit = Limits().max_message_bytes
        parser.set_defaults(websocket_max_message_size=limit, websocket_max_frame_size=limit)
        add_client_address_header(parser)

    def server_cls(self, **options: Any) -> Server:
        """Build the server where daphne has a class to call, and keep it: only it knows why it could not listen."""
        self._server = Server(**options, **self._headers)
        return self._server

    def inner_run(self, *args: Any, **options: Any) -> None:
        self._headers = headers_of_the_proxy(options)
        super().inner_run(*args, **options)
        if self._server is None or self._server.listen_failure is None:
            return
        error = listen_failure(
            self._server.listen_failure,
            self.addr,
            int(self.port),
            another_port=f"runserver {f'[{self.addr}]' if self._raw_ipv6 else self.addr}:{{port}}",
            another_host=f"runserver 127.0.0.1:{self.port}",
        )
        if not options["use_reloader"]:
            raise error
        # As Django's own does: an exception would end this thread, and the reloader wait for the next change.
        self.stderr.write(f"CommandError: {error}")
        os._exit(error.returncode)
