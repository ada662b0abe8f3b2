"""`manage.py runserver`: daphne's, on our server. The app stands before daphne in INSTALLED_APPS to get its turn."""

from typing import Any

from daphne.management.commands.runserver import Command as DaphneRunserver

from apps.server.limits import Limits
from apps.server.server import Server


class Command(DaphneRunserver):
    server_cls = Server

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        # Daphne passes its own, larger ones.
        limit = Limits().max_message_bytes
        parser.set_defaults(websocket_max_message_size=limit, websocket_max_frame_size=limit)
