"""Debian's Chromium, driven by Playwright, and pages that tell when something went wrong in them."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Response,
    async_playwright,
    expect,
)

from tests.rig.site import Account

# How long a page may take to show what must come. Playwright's own 5 s is the interval of a page that polls.
expect.set_options(timeout=30_000)

FLAGS = [
    "--headless",
    "--no-sandbox",  # the tests may run as root, for whom Chromium has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_KEPT_BY_SITES = "cookies,local_storage,indexeddb,service_workers,cache_storage"


@asynccontextmanager
async def open_chromium(*, keeps_pages: bool = False) -> AsyncIterator[Browser]:
    """Start Chromium, with a profile of its own, and end it.

    Args:
        keeps_pages: whether pages that are left stay in the back/forward cache, as in people's browsers; Playwright's
            own choice is that they don't.

    Raises:
        RuntimeError: there is no Chromium; `make test` installs Debian's.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise RuntimeError("no Chromium: run `make chromium`, or `apt-get install chromium fonts-noto-cjk` as root")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=FLAGS,
            ignore_default_args=["--disable-back-forward-cache"] if keeps_pages else [],
        )
        yield browser
        await browser.close()


@dataclass
class PageFaults:
    """What a page complained of: console errors and warnings, uncaught exceptions, answers of 400 and above."""

    found: list[str] = field(default_factory=list)
    is_over: bool = False
    _allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Expect faults that match the regular expression `pattern`, such as "503 .*/feed/sse"."""
        self._allowed.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """Return the faults that nobody allowed."""
        return [fault for fault in self.found if not any(pattern.search(fault) for pattern in self._allowed)]

    def watch(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("response", self._on_response)

    def unwatch(self, page: Page) -> None:
        page.remove_listener("console", self._on_console)
        page.remove_listener("pageerror", self._on_error)
        page.remove_listener("response", self._on_response)

    def _on_error(self, error: Error) -> None:
        self._note(f"uncaught: {error}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            place = message.location
            self._note(f"console {message.type}: {message.text} ({place.get('url')}:{place.get('lineNumber')})")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"{response.status} {response.request.method} {response.url}")

    def _note(self, fault: str) -> None:
        if not self.is_over:
            self.found.append(fault)


class UsedProfiles:
    """Browser profiles that tests are done with, emptied for the next one.

    A page in a new profile costs five times as much processor time as one in a profile that has a process already, with
    its fonts and the site's modules.
    """

    def __init__(self) -> None:
        self._idle: dict[tuple[str, bool, bool], list[Page]] = {}

    def take(self, looks: tuple[str, bool, bool]) -> Page | None:
        """Return the page of an emptied profile with these looks, if there is one."""
        idle = self._idle.get(looks)
        return idle.pop() if idle else None

    def holds(self, context: BrowserContext) -> bool:
        return any(page.context == context for idle in self._idle.values() for page in idle)

    async def give_back(self, looks: tuple[str, bool, bool], page: Page) -> None:
        """Empty the profile of `page` and keep it; close it where that can't be done, as when its site is gone."""
        context = page.context
        try:
            for other in context.pages:
                if other != page:
                    await other.close()
            # Of the site still, without a script: another site's page, about:blank too, may get another process.
            await page.goto(urljoin(page.url, "/static/demos/favicon.svg"))
            await page.evaluate("() => { sessionStorage.clear(); window.name = ''; }")
            session = await context.new_cdp_session(page)
            origin = await page.evaluate("location.origin")
            await session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": _KEPT_BY_SITES})
            await session.detach()
            await context.clear_cookies()
        except Error:
            await context.close()
        else:
            self._idle.setdefault(looks, []).append(page)


class Pages:
    """Opens pages, each in a browser profile of its own.

    Args:
        browser: the Chromium to open them in.
        used: profiles of earlier tests.
    """

    def __init__(self, browser: Browser, used: UsedProfiles | None = None) -> None:
        self._browser = browser
        self._used = used or UsedProfiles()
        self._to_give_back: list[tuple[tuple[str, bool, bool], Page]] = []
        self.faults = PageFaults()

    async def open(
        self,
        url: str,
        *,
        account: Account | None = None,
        locale: str = "en-US",
        dark: bool = False,
        phone: bool = False,
        used_profile: bool = False,
        **context_options: Any,
    ) -> Page:
        """Open `url` as a browser that has never been there.

        Args:
            url: the whole address.
            account: whom to be signed in as.
            locale: the browser's language, such as "zh-CN".
            dark: whether the system is set to dark.
            phone: a touch screen of 390 × 844 instead of a window of 1280 × 800.
            used_profile: take an earlier test's profile, emptied, of which only cached files are left, and leave it to
                a later test. Not where a test adds to the profile or the page what is not taken away again: a script,
                a route, a permission.
            context_options: further options of Playwright's `Browser.new_context`.
        """
        looks = (locale, dark, phone)
        size: Any = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
        page = self._used.take(looks) if used_profile else None
        if page is None:
            context = await self._browser.new_context(
                locale=locale,
                color_scheme="dark" if dark else "light",
                viewport=size,
                has_touch=phone,
                is_mobile=phone,
                **context_options,
            )
            context.set_default_timeout(30_000)
            page = await context.new_page()
        else:
            await page.set_viewport_size(size)
        if used_profile:
            self._to_give_back.append((looks, page))
        if account:
            await page.context.add_cookies(
                [{"name": name, "value": value, "url": urljoin(url, "/")} for name, value in account.cookies().items()]
            )
        self.faults.watch(page)
        await page.goto(url)
        return page

    async def close(self) -> None:
        """Close every page that is open; what that breaks off, such as a WebSocket that is opening, is no fault."""
        contexts = [context for context in self._browser.contexts if not self._used.holds(context)]
        for context in contexts:
            await context.cookies()  # a round trip, behind which all that was said before is here
        self.faults.is_over = True
        for looks, page in self._to_give_back:
            self.faults.unwatch(page)
            await self._used.give_back(looks, page)
        for context in contexts:
            if not self._used.holds(context):
                await context.close()
