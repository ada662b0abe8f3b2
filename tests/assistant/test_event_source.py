"""The browser's own EventSource at the SSE door."""

from tests.assistant.asking import ANSWER_BY_SSE
from tests.rig.chromium import Pages
from tests.rig.site import Site

# Collects what arrives until the browser gives up; it never closes the EventSource, as a forgetful page might not.
READ_WITHOUT_CLOSING = """
(url) => new Promise((resolve) => {
  const seen = [];
  const source = new EventSource(url);
  for (const name of ["ready", "text", "sources", "done"]) {
    source.addEventListener(name, (event) => seen.push(name));
  }
  source.addEventListener("error", (event) => {
    if (event.data) seen.push(JSON.parse(event.data).error.code);
    else if (source.readyState === EventSource.CLOSED) resolve(seen);
  });
})
"""


async def test_event_source_that_nobody_closes_reads_one_answer_and_stops(live_site: Site, pages: Pages):
    page = await pages.open(f"{live_site.url}/")
    seen = await page.evaluate(READ_WITHOUT_CLOSING, f"{ANSWER_BY_SSE}?q=SSE&lang=en")
    assert seen[0] == "ready"
    assert seen.count("ready") == seen.count("done") == 1
    assert seen[-2:] == ["sources", "done"]


async def test_event_source_can_read_what_is_wrong_with_a_question(live_site: Site, pages: Pages):
    page = await pages.open(f"{live_site.url}/")
    assert await page.evaluate(READ_WITHOUT_CLOSING, f"{ANSWER_BY_SSE}?q=") == ["empty_question"]
