"""HTTP/1.1 as far as the doors need it, over plain streams: a hundred clients must leave the machine to the site."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlencode, urlsplit

import websockets

from tests.conformance.wires import Answer, Headers, NetworkWire, Params, Socket, _NetworkSocket
from tests.rig.accounts import Account

CONNECT_TIMEOUT_S = 5.0


class LeanWire(NetworkWire):
    """A NetworkWire that keeps its HTTP connection, as a browser does, and is signed in; for one request at a time."""

    def __init__(self, url: str, account: Account | None) -> None:
        super().__init__(url)
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._identity: Headers = {}
        if account is not None:
            cookies = "; ".join(f"{name}={value}" for name, value in account.cookies().items())
            self._identity = {"Cookie": cookies, "Origin": url}
        self._kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def close(self) -> None:
        """Cut the connection that is kept."""
        if self._kept is not None:
            self._kept[1].transport.abort()
            self._kept = None

    @contextlib.asynccontextmanager
    async def get(
        self, path: str, params: Params, headers: Headers | None = None, method: str = "GET"
    ) -> AsyncIterator[Answer]:
        reader, writer = await self._connected()
        is_whole = False
        try:
            lines = [f"{method} {path}?{urlencode(params)} HTTP/1.1", f"Host: {self._host}:{self._port}"]
            lines += [f"{name}: {value}" for name, value in {**self._identity, **(headers or {})}.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            status_line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
            answered = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}

            async def pieces() -> AsyncIterator[bytes]:
                nonlocal is_whole
                if answered.get("transfer-encoding") == "chunked":
                    while size := int(await reader.readuntil(b"\r\n"), 16):
                        yield (await reader.readexactly(size + 2))[:-2]
                    await reader.readexactly(2)
                else:
                    yield await reader.readexactly(int(answered["content-length"]))
                is_whole = answered.get("connection") != "close"

            yield Answer(int(status_line.split(" ")[1]), answered, pieces())
        finally:
            if is_whole:
                self._kept = reader, writer
            else:
                writer.transport.abort()

    @contextlib.asynccontextmanager
    async def socket(self, path: str, params: Params, headers: Headers | None = None) -> AsyncIterator[Socket]:
        url = f"{self._url.replace('http', 'ws', 1)}{path}?{urlencode(params)}"
        async with websockets.connect(
            url,
            additional_headers=self._identity,
            proxy=None,
            compression=None,
            open_timeout=CONNECT_TIMEOUT_S,
            ping_interval=None,
            close_timeout=1,
        ) as connection:
            try:
                yield _NetworkSocket(connection)
            finally:
                connection.transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        kept, self._kept = self._kept, None
        if kept is not None:
            if not kept[0].at_eof():
                return kept
            kept[1].transport.abort()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await asyncio.open_connection(self._host, self._port)
