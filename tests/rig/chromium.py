"""Debian's Chromium, driven by Playwright, and pages that tell when something went wrong in them."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from playwright.async_api import Browser, ConsoleMessage, Page, Response, async_playwright, expect

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
        page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        page.on("response", self._on_response)

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


class Pages:
    """Opens pages, each in a browser profile of its own.

    Args:
        browser: the Chromium to open them in.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.faults = PageFaults()

    async def open(
        self,
        url: str,
        *,
        account: Account | None = None,
        locale: str = "en-US",
        dark: bool = False,
        phone: bool = False,
        **context_options: Any,
    ) -> Page:
        """Open `url` as a browser that has never been there.

        Args:
            url: the whole address.
            account: whom to be signed in as.
            locale: the browser's language, such as "zh-CN".
            dark: whether the system is set to dark.
            phone: a touch screen of 390 × 844 instead of a window of 1280 × 800.
            context_options: further options of Playwright's `Browser.new_context`.
        """
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
        context = await self._browser.new_context(
            locale=locale,
            color_scheme="dark" if dark else "light",
            viewport=size,  # type: ignore[arg-type]
            has_touch=phone,
            is_mobile=phone,
            **context_options,
        )
        context.set_default_timeout(30_000)
        if account:
            await context.add_cookies(
                [{"name": name, "value": value, "url": urljoin(url, "/")} for name, value in account.cookies().items()]
            )
        page = await context.new_page()
        self.faults.watch(page)
        await page.goto(url)
        return page

    async def close(self) -> None:
        """Close every page that is open; what that breaks off, such as a WebSocket that is opening, is no fault."""
        for context in list(self._browser.contexts):
            await context.cookies()  # a round trip, behind which all that was said before is here
        self.faults.is_over = True
        for context in list(self._browser.contexts):
            await context.close()
