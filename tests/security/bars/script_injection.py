"""S4: texts that would be scripts, in everything that people and services may write, on every page that shows it."""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Page

from tests.demos.addresses import PAGES
from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import ADMIN, STAFF
from tests.rig.chromium import open_chromium
from tests.rig.figure import Figure
from tests.rig.site import run_python
from tests.rig.waiting import await_until
from tests.security.bar import Bar, Say
from tests.security.person import Person
from tests.security.script_payloads import LINKS, TEXTS
from tests.security.unharmed import Unharmed

# Pages that stay open while things are written, and are looked at when the last of it has come.
LIVE_PAGES = ("/", "/demos/sse/", "/demos/chat/")
# Those that the short form leaves out are like one of these.
SHORT_PAGES = ("/demos/websocket/", "/demos/article/")
ADMIN_PAGES = (
    *("/admin/", "/admin/live/", "/admin/notifications/notification/", "/admin/notifications/notification/add/"),
    *("/admin/auth/group/", "/admin/auth/user/", "/admin/api/apikey/", "/admin/auth/user/1/change/"),
    *(f"/admin/notifications/notification/{{pk}}/{page}/" for page in ("change", "delete", "history")),
)
LAB = "/lab/?kind=one&poll=500&faults=constructor@1,%3Cimg%20src=x%20onerror=canary()%3E@1&rate=%3Cscript%3E"

# Writes what is in the file named by PAYLOADS: as an editor does, with all checks, and past them, straight into the
# log, as a service would whose own checks are bad. Prints the key of a notification and how many links were taken.
_WRITE = """
import json, os
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from apps.api.models import ApiKey
from apps.events import log
from apps.notifications.audience import Audience, Kind
from apps.notifications.models import Notification
from apps.notifications import publishing
asked = json.load(open(os.environ["PAYLOADS"]))
texts, links, past = asked["texts"], asked["links"], asked["past_the_checks"]
admin = User.objects.get(pk=1)
refused, pk = 0, 0
for number, text in enumerate(texts):
    # Not `save`: that tells every process that this user's rights may have moved, and polls get a 503 for a moment.
    admin.first_name, admin.last_name = text[:75], text[75:150]
    User.objects.filter(pk=1).update(first_name=admin.first_name, last_name=admin.last_name)
    group, _ = Group.objects.get_or_create(name=text[:150])
    message = text + "\\n" + text
    post = Notification(title=text, message=message, level="warning", link="/guide/", posted_by=admin)
    publishing.post(post)
    publishing.post(
        Notification(title=text, message=text, posted_by=admin), audience=Audience(Kind.GROUPS, (group,), ())
    )
    ApiKey(name=text[:60], owner=admin, topics="lab.*").issue()
    pk = post.pk
for link in links:
    try:
        publishing.post(Notification(title="a link", link=link, posted_by=admin))
    except ValidationError:
        refused += 1
for number, text in enumerate(past):
    data = {"id": 10**9 + asked["start"] + number, "title": text, "message": text, "level": text,
            "link": links[number % len(links)] if links else text, "posted_by": text,
            "posted_at": "2030-01-01T00:00:00.000Z"}
    log.append("notifications", "notification.posted", data)
    log.append("chat.lobby", "chat.line", {"sender": text, "name": text, "text": text})
print("wrote", json.dumps({"pk": pk, "refused": refused}))
"""

# Runs before anything of a page: what must not be called, and what the page's policy stopped.
_WATCH = """
window.ran = [];
window.canary = () => { window.ran.push("canary"); };
window.stopped = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.stopped.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""
# What a page holds that no text of anybody's may become.
_LOOK = """
() => ({
  ran: window.ran,
  stopped: window.stopped,
  links: [...document.querySelectorAll("a[href], area[href], form[action], [formaction]")]
    .map((link) => link.href ?? link.action).filter((href) => typeof href === "string" && !/^https?:/i.test(href)),
  elsewhere: [...document.querySelectorAll("a[href]")]
    .map((link) => link.hostname).filter((host) => /evil/.test(host)),
  handlers: [...document.querySelectorAll("*")]
    .flatMap((element) => [...element.attributes].filter(({ name }) => /^on/i.test(name))
      .map(({ name }) => `<${element.localName} ${name}>`)),
  strangers: [...document.querySelectorAll(
    "script:not([src]):not([type='application/json']):not([type='importmap']), iframe, object, embed, base, " +
    "link[href^='data:'], img[src$='/x'], math, marquee, meta[http-equiv=refresh]"
  )].map((element) => element.outerHTML),
})
"""


@dataclass
class Seen:
    """What all pages together did that they should not have."""

    ran: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    markup: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    looks: int = 0

    def watch(self, page: Page) -> None:
        page.on("dialog", self._on_dialog)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.exceptions.append(f"{page.url}: {error}"))

    async def look(self, page: Page, where: str) -> None:
        found = await page.evaluate(_LOOK)
        self.looks += 1
        self.ran += [f"{where}: {what}" for what in found["ran"]]
        self.stopped += [f"{where}: {what}" for what in found["stopped"]]
        self.links += [f"{where}: {what}" for what in [*found["links"], *found["elsewhere"]]]
        self.markup += [f"{where}: {what}" for what in [*found["handlers"], *found["strangers"]]]

    async def _on_dialog(self, dialog: Dialog) -> None:
        self.ran.append(f"dialog {dialog.message}")
        await dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.stopped.append(message.text)


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    """Write `count` payloads, half of them before the pages are opened and half of them after."""
    unharmed = Unharmed(rig)
    texts = TEXTS[:: max(1, len(TEXTS) // count)][:count]
    before, after = texts[: len(texts) // 2], texts[len(texts) // 2 :]
    is_short = count < len(TEXTS)
    seen = Seen()
    wrote = await _write(rig, before, LINKS, past=before, start=0)
    say(f"{len(before)} texts written, {wrote['refused']} of {len(LINKS)} links refused")
    async with open_chromium() as browser:
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(120_000)
        await context.add_init_script(_WATCH)
        cookies: Any = [{"name": name, "value": value, "url": rig.url} for name, value in ADMIN.cookies().items()]
        await context.add_cookies(cookies)
        live = {path: await _open(context, rig.url + path, seen) for path in LIVE_PAGES}
        # Through the pages' own field as well: a name and a line.
        chat = live["/demos/chat/"]
        await chat.locator("#connection[data-state=live]").wait_for()
        await live["/demos/sse/"].locator("#connection[data-state=live]").wait_for()
        run_page = await _open(context, "about:blank", seen)
        run = await _lab_run(run_page, rig.url + LAB)
        await _publish_to(rig, run, texts)
        mark = f"the last {secrets.token_hex(4)}"
        await _write(rig, after, [], past=[*after, f"<b>{mark}</b>"], start=len(before))
        # A toast holds what came last; the bell's list, the page's own and the chat hold all.
        await await_until(lambda: _shows(live["/demos/sse/"], "#notifications, main", mark), "the list on a page")
        await await_until(lambda: _shows(chat, "#chat-log", mark), "the chat")
        await await_until(lambda: _shows(live["/"], "#toast-list", mark), "the toast")
        await live["/"].locator("#bell-button").click()
        await await_until(lambda: _shows(live["/"], "#bell-panel", mark), "the bell's list")
        for path, page in live.items():
            await seen.look(page, path)
        await seen.look(run_page, "/lab/")
        say(f"{len(after)} more written under {len(live) + 1} open pages")
        public = SHORT_PAGES if is_short else PAGES
        for path in (*public, *(path.format(pk=wrote["pk"]) for path in ADMIN_PAGES)):
            page = await _open(context, rig.url + path, seen)
            await seen.look(page, path)
            await page.close()
    return Outcome(
        [
            Figure("texts", len(texts), at_least=min(count, 50)),
            Figure("hostile links", len(LINKS)),
            Figure("hostile links that an editor may post", len(LINKS) - wrote["refused"], at_most=0),
            Figure("pages looked at", seen.looks, at_least=15),
            Figure("scripts that ran", len(seen.ran), at_most=0),
            Figure("reports of the policy", len(seen.stopped), at_most=0),
            Figure("links that lead to no page, or elsewhere", len(seen.links), at_most=0),
            Figure("texts that became markup", len(seen.markup), at_most=0),
            Figure("exceptions in pages", len(seen.exceptions), at_most=0),
            *unharmed.figures(),
        ],
        findings=[*seen.ran, *seen.stopped, *seen.links, *seen.markup, *seen.exceptions, *unharmed.findings()][:20],
    )


async def _write(rig: Rig, texts: list[str], links: list[str], *, past: list[str], start: int) -> dict[str, int]:
    file = Path(rig.folder) / f"payloads-{start}.json"
    file.write_text(json.dumps({"texts": texts, "links": links, "past_the_checks": past, "start": start}))
    env = rig.env | {"PAYLOADS": str(file)}
    printed = await asyncio.to_thread(run_python, env, "manage.py", "shell", "-c", _WRITE)
    wrote: dict[str, int] = json.loads(printed.rpartition("wrote ")[2])
    return wrote


async def _open(context: BrowserContext, url: str, seen: Seen) -> Page:
    page = await context.new_page()
    seen.watch(page)
    await page.goto(url, wait_until="load")
    return page


async def _lab_run(page: Page, url: str) -> str:
    """Open the lab with a hostile address, let it run, and return the run's topic."""
    async with page.expect_response("**/lab/runs") as answer:
        await page.goto(url)
        # An address that could not be taken as it is waits for a person.
        with contextlib.suppress(Exception):
            await page.locator("#start:enabled").click(timeout=5_000)
    return str((await (await answer.value).json())["run"])


async def _publish_to(rig: Rig, run: str, texts: list[str]) -> None:
    staff = Person(rig.web[0].url, STAFF)
    try:
        for text in texts:
            body = json.dumps({"type": "lab.event", "data": {"pad": text, "fault": text, "duration_s": text}})
            assert await staff.posts(f"/api/topics/{run}/events", body) == 201
    finally:
        await staff.aclose()


async def _shows(page: Page, selector: str, text: str) -> bool:
    return any(text in shown for shown in await page.locator(selector).all_inner_texts())


BAR = Bar(
    "S4",
    "texts and links that would be scripts: notifications, names, chat, lab, admin, in Chromium",
    play,
    full=len(TEXTS),
    short=52,
)
