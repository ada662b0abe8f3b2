"""A NetworkWire that keeps its connections, for people who come back often."""

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import websockets
from websockets.typing import Subprotocol

from tests.conformance.wires import Answer, Headers, NetworkWire, Params, Socket, _NetworkSocket
from tests.rig.accounts import Account


class KeptWire(NetworkWire):
    """A NetworkWire that keeps its HTTP connection, as a browser does, and is signed in.

    Args:
        account: whose cookies it sends; None: none.
        token: what it sends besides, from a page of another site.
    """

    def __init__(self, url: str, account: Account | None, token: str = "") -> None:
        super().__init__(url)
        self._identity: Headers = {}
        self._subprotocols: list[Subprotocol] = []
        if account is not None:
            cookies = "; ".join(f"{name}={value}" for name, value in account.cookies().items())
            self._identity = {"Cookie": cookies, "Origin": url}
        in_headers = self._identity
        if token:
            self._identity |= {"Origin": "http://elsewhere.example"}
            self._subprotocols = [Subprotocol("feed.v1.json"), Subprotocol(f"bearer.{token}")]
            in_headers = {**self._identity, "Authorization": f"Bearer {token}"}
        # verify: these are plain HTTP, and reading the machine's certificates takes 30 ms a client.
        self._http = httpx.AsyncClient(base_url=url, headers=in_headers, timeout=60, trust_env=False, verify=False)

    async def aclose(self) -> None:
        await self._http.aclose()

    @contextlib.asynccontextmanager
    async def get(
        self, path: str, params: Params, headers: Headers | None = None, method: str = "GET"
    ) -> AsyncIterator[Answer]:
        async with self._http.stream(method, path, params=params, headers=headers) as response:
            yield Answer(response.status_code, dict(response.headers), response.aiter_raw())

    @contextlib.asynccontextmanager
    async def socket(self, path: str, params: Params, headers: Headers | None = None) -> AsyncIterator[Socket]:
        url = f"{self._url.replace('http', 'ws', 1)}{path}?{urlencode(params)}"
        async with websockets.connect(
            url,
            additional_headers=self._identity,
            subprotocols=self._subprotocols or None,
            proxy=None,
            compression=None,
        ) as connection:
            try:
                yield _NetworkSocket(connection)
            finally:
                connection.transport.abort()
