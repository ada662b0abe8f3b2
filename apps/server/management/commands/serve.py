"""`manage.py serve`: run the site on daphne, made fit, and say where to open it."""

import errno
import logging
import os
import socket
import sys
from typing import Any

from daphne.access import AccessLogGenerator
from daphne.endpoints import build_endpoint_description_strings
from daphne.management.commands.runserver import get_default_application
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.backends.base.base import NO_DB_ALIAS
from django.utils.module_loading import import_string
from twisted.internet.error import CannotListenError

from apps.server.limits import Limits
from apps.server.server import Server

_HELP = {
    errno.EADDRINUSE: (
        os.EX_UNAVAILABLE,
        "is in use. Stop the other program, or choose another port: {another_port}",
    ),
    errno.EACCES: (os.EX_NOPERM, "may not be used by this user. Choose a port from 1024 on, such as {another_port}"),
    errno.EADDRNOTAVAIL: (
        os.EX_CONFIG,
        "is not an address of this machine. Choose another host, such as {another_host}",
    ),
}


class Command(BaseCommand):
    help = "Run the site on daphne with flow control, bounded input and a drain. Ctrl-C ends it, twice ends it at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", help="Address to listen on (default: HOST, else 127.0.0.1).")
        parser.add_argument("--port", help="Port to listen on, 0 for a free one (default: PORT, else 8000).")
        add_client_address_header(parser)
        parser.add_argument(
            "--page",
            action="append",
            metavar="PATH",
            help="Path to name once it listens; may be repeated (default: /).",
        )
        parser.add_argument(
            "--application",
            metavar="NAME",
            help="Dotted name of the ASGI application to serve (default: the setting ASGI_APPLICATION).",
        )
        parser.add_argument("--access-log", action="store_true", help="Print a line for each request.")
        Limits.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        host = (options["host"] or os.environ.get("HOST") or "127.0.0.1").strip("[]")
        port = _port(options["port"])
        self._check_database()
        if options["verbosity"] <= 1:
            # Every endpoint it configures, and that HTTP/2 is not there: of no use to whoever starts a site.
            logging.getLogger("daphne.server").setLevel(logging.WARNING)
        server: Server = Server(
            import_string(options["application"]) if options["application"] else get_default_application(),
            limits=Limits.from_arguments(options),
            endpoints=build_endpoint_description_strings(host=host, port=port),
            ready_callable=lambda: self._say_where(host, server.listening_addresses, options["page"] or ["/"]),
            action_logger=AccessLogGenerator(sys.stdout) if options["access_log"] else None,
            **headers_of_the_proxy(options),
            server_name="",
            verbosity=options["verbosity"],
        )
        server.run()
        if server.listen_failure is not None:
            raise listen_failure(server.listen_failure, host, port)

    def _check_database(self) -> None:
        # Fatal, unlike a Redis that is away: a process that has never seen its database can serve nobody, and whatever
        # supervises it tries again. Under Django's alias for "no database" the copy is without the pool, which would
        # retry for 5 s and keep the reason to itself.
        probe = connection.copy(alias=NO_DB_ALIAS)
        try:
            probe.ensure_connection()
        finally:
            probe.close()
        self.check_migrations()

    def _say_where(self, host: str, listening: list[tuple[str, int]], pages: list[str]) -> None:
        for address in _addresses(host):
            shown = f"[{address}]" if ":" in address else address
            for page in pages:
                self.stdout.write(f"Open http://{shown}:{listening[0][1]}{page}")
        self.stdout.write("Ctrl-C stops the server.")
        self.stdout.flush()


def add_client_address_header(parser: CommandParser) -> None:
    """Add the option for a server behind a proxy."""
    parser.add_argument(
        "--client-address-header",
        default=os.environ.get("CLIENT_ADDRESS_HEADER", ""),
        metavar="NAME",
        help="Header in which the proxy, and nobody else, puts the client's address, such as X-Real-IP; "
        "X-Forwarded-Proto is believed too then (default: CLIENT_ADDRESS_HEADER, else none).",
    )


def headers_of_the_proxy(options: dict[str, Any]) -> dict[str, Any]:
    """Return daphne's options for the headers of a proxy that are to be believed."""
    header = options["client_address_header"] or None
    return {
        "proxy_forwarded_address_header": header,
        "proxy_forwarded_proto_header": "X-Forwarded-Proto" if header else None,
    }


def _port(option: str | None) -> int:
    name, value = ("--port", option) if option is not None else ("PORT", os.environ.get("PORT") or "8000")
    if not value.isascii() or not value.isdigit() or int(value) > 65_535:
        raise CommandError(f"{name} is {value!r}; it has to be a number from 0 to 65535.", returncode=os.EX_CONFIG)
    return int(value)


def _addresses(host: str) -> list[str]:
    """Return addresses under which a server that listens on `host` can be opened, this machine's own view first."""
    every_ipv4 = "0.0.0.0"  # nosec B104 - to compare with; nothing is bound here
    if host not in (every_ipv4, "::"):
        return [host]
    family, loopback, outside = (
        (socket.AF_INET, "127.0.0.1", "192.0.2.1") if host == every_ipv4 else (socket.AF_INET6, "::1", "2001:db8::1")
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it only asks which of our addresses leads out. The other one is for documentation only.
            probe.connect((outside, 9))
            return [loopback, probe.getsockname()[0]]
        except OSError:
            return [loopback]


def listen_failure(
    error: BaseException,
    host: str,
    port: int,
    *,
    another_port: str = "--port {port}, or PORT={port}",
    another_host: str = "--host 127.0.0.1",
) -> CommandError:
    """Say in one line what kept the server from listening, and what to do, in the words of the command that failed."""
    cause = error.socketError if isinstance(error, CannotListenError) else error
    if isinstance(cause, socket.gaierror):
        return CommandError(f"{host!r} is not a host ({cause.strerror}). Choose another.", returncode=os.EX_CONFIG)
    if isinstance(cause, OSError) and (known := _HELP.get(cause.errno or 0)):
        status, help = known
        other = 8001 if port < 1024 or port == 8000 else port + 1
        help = help.format(another_port=another_port.format(port=other), another_host=another_host)
        return CommandError(f"{host}:{port} {help}.", returncode=status)
    return CommandError(f"Can't listen on {host}:{port}: {cause}", returncode=os.EX_UNAVAILABLE)
