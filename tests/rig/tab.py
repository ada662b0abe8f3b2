"""A tab of Chromium that may be hidden and frozen: those that Playwright opens are held visible."""

import asyncio
import itertools
import json
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser, CDPSession

_ANSWER_TIMEOUT_S = 60.0


class DevToolsError(Exception):
    """Chromium answered a DevTools method with an error, or could not show a page."""

    def __init__(self, method: str, message: str) -> None:
        super().__init__(f"{method}: {message}")


class Tab:
    """One tab, in the browser's own profile, spoken to over the DevTools protocol. Entered, it has loaded its page.

    Args:
        browser: the Chromium to open it in.
        url: what to show.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._loaded: dict[str, asyncio.Event] = defaultdict(asyncio.Event)  # by the loader of the document

    async def __aenter__(self) -> Self:
        self._browser_session: CDPSession = await self._browser.new_browser_cdp_session()
        self._browser_session.on("Target.receivedMessageFromTarget", self._take)
        created = await self._browser_session.send("Target.createTarget", {"url": "about:blank"})
        self._target = created["targetId"]
        attached = await self._browser_session.send(
            "Target.attachToTarget", {"targetId": self._target, "flatten": False}
        )
        self._session = attached["sessionId"]
        try:
            await self._go_to(self._url)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    async def evaluate(self, expression: str, arg: object = None) -> Any:
        """Return the value of `expression`, or, where it is a function, what it makes of `arg`.

        Raises:
            RuntimeError: the page threw.
            DevToolsError: there is no page to ask, because it went away.
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

    async def _close(self) -> None:
        await self._browser_session.send("Target.closeTarget", {"targetId": self._target})
        await self._browser_session.detach()

    async def _go_to(self, url: str) -> None:
        """Show `url`. Only once it is loaded may it be asked: a page that is still replaced takes its answers along."""
        await self._send("Page.enable", {})
        await self._send("Page.setLifecycleEventsEnabled", {"enabled": True})
        begun = await self._send("Page.navigate", {"url": url})
        if error := begun.get("errorText"):
            raise DevToolsError(f"Page.navigate to {url}", error)
        await asyncio.wait_for(self._loaded[begun["loaderId"]].wait(), _ANSWER_TIMEOUT_S)

    async def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._asked[number] = method, answer
        message = json.dumps({"id": number, "method": method, "params": params})
        await self._browser_session.send("Target.sendMessageToTarget", {"sessionId": self._session, "message": message})
        try:
            return await asyncio.wait_for(answer, _ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise DevToolsError(method, f"no answer in {_ANSWER_TIMEOUT_S:g} s") from None

    def _take(self, received: dict[str, Any]) -> None:
        if received["sessionId"] != self._session:
            return
        message = json.loads(received["message"])
        if "id" in message:
            method, answer = self._asked.pop(message["id"])
            if answer.done():  # it came too late
                return
            if "error" in message:
                answer.set_exception(DevToolsError(method, message["error"]["message"]))
            else:
                answer.set_result(message["result"])
        elif message["method"] == "Page.lifecycleEvent" and message["params"]["name"] == "load":
            self._loaded[message["params"]["loaderId"]].set()
