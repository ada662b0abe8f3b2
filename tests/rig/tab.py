"""A tab of Chromium that may be hidden and frozen: those that Playwright opens are held visible."""

import asyncio
import itertools
import json
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser, CDPSession


class Tab:
    """One tab, in the browser's own profile, spoken to over the DevTools protocol. It is open while it is entered.

    Args:
        browser: the Chromium to open it in.
        url: what to show.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def __aenter__(self) -> Self:
        self._browser_session: CDPSession = await self._browser.new_browser_cdp_session()
        self._browser_session.on("Target.receivedMessageFromTarget", self._take)
        created = await self._browser_session.send("Target.createTarget", {"url": self._url})
        self._target = created["targetId"]
        attached = await self._browser_session.send(
            "Target.attachToTarget", {"targetId": self._target, "flatten": False}
        )
        self._session = attached["sessionId"]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._browser_session.send("Target.closeTarget", {"targetId": self._target})
        await self._browser_session.detach()

    async def evaluate(self, expression: str, arg: object = None) -> Any:
        """Return the value of `expression`, or, where it is a function, what it makes of `arg`.

        Raises:
            RuntimeError: the page threw.
        """
        called = f"(async (it) => (typeof it === 'function' ? it({json.dumps(arg)}) : it))({expression})"
        asked = {"expression": called, "returnByValue": True, "awaitPromise": True}
        answer = await self._send("Runtime.evaluate", asked)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    async def freeze(self) -> None:
        """Stop its scripts and timers, as Chromium does with tabs that were long in the background."""
        await self._send("Page.setWebLifecycleState", {"state": "frozen"})

    async def resume(self) -> None:
        await self._send("Page.setWebLifecycleState", {"state": "active"})

    async def show(self) -> None:
        """Bring it to the front; the tab that was there is hidden."""
        await self._browser_session.send("Target.activateTarget", {"targetId": self._target})

    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = json.dumps({"id": number, "method": method, "params": params})
        await self._browser_session.send("Target.sendMessageToTarget", {"sessionId": self._session, "message": message})
        return await asyncio.wait_for(answer, 30)

    def _take(self, event: dict[str, Any]) -> None:
        if event["sessionId"] != self._session:
            return
        message = json.loads(event["message"])
        if answer := self._answers.pop(message.get("id"), None):
            answer.set_result(message.get("result", {}))
