"""/healthz and /readyz: what they say, and when they say no."""

import threading

import pytest
from django.db import OperationalError
from pytest_django import Settings

from apps.events import feed, queries
from apps.events.wakeup import layer_health
from apps.operations import readiness
from apps.server.status import status as server_status
from tests.rig.site import Site
from tests.rig.waiting import await_until, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is merely slow, on a busy machine, is not away."""
    monkeypatch.setattr(readiness, "DATABASE_TIMEOUT_S", 60.0)


@pytest.fixture
def redis_layer(settings: Settings) -> None:
    """A channel layer of Redis' kind; nothing listens there, and nobody asks it."""
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }


@pytest.fixture
def frozen_database(monkeypatch: pytest.MonkeyPatch, patience: None):
    """The database takes queries and answers none until the test ends; yields the queries that it took."""
    taken: list[str] = []
    thawed = threading.Event()

    def never(query, *args, **kwargs):
        taken.append(query.__name__)
        thawed.wait()

    monkeypatch.setattr(queries, "_with_fresh_connection", never)
    monkeypatch.setattr(readiness, "DATABASE_TIMEOUT_S", 0.05)
    yield taken
    thawed.set()


def database_away(query, *args, **kwargs):
    raise OperationalError("connection to server at 10.9.8.7 failed: password=hunter2")


async def test_a_process_that_answers_is_alive(prober):
    response = await prober.get("/healthz")
    assert (response.status_code, response.json()["status"]) == (200, "alive")


async def test_a_process_without_its_database_is_alive(prober, monkeypatch):
    monkeypatch.setattr(queries, "_with_fresh_connection", database_away)
    assert (await prober.get("/healthz")).status_code == 200


async def test_a_process_that_has_all_it_needs_is_ready_and_says_why(prober):
    response = await prober.get("/readyz")
    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert set(response.json()["checks"]) == {"database", "log_reader", "channel_layer", "server"}
    assert response.json()["checks"]["database"] == {"status": "ready", "says": "the database answers"}


async def test_without_its_database_a_process_is_not_ready_and_keeps_the_error_to_itself(prober, monkeypatch):
    monkeypatch.setattr(queries, "_with_fresh_connection", database_away)
    response = await prober.get("/readyz")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["checks"]["database"]["status"] == "not ready"
    assert "hunter2" not in response.text
    assert "10.9.8.7" not in response.text


async def test_a_frozen_database_is_not_waited_for(prober, frozen_database):
    response = await prober.get("/readyz")
    assert response.status_code == 503
    assert "did not answer within" in response.json()["checks"]["database"]["says"]


async def test_probes_of_a_frozen_database_share_one_query(prober, frozen_database, monkeypatch):
    monkeypatch.setattr(feed.Feed, "start", lambda self: None)  # its own queries are not what is counted here
    for _ in range(8):
        assert (await prober.get("/readyz")).status_code == 503
    assert frozen_database == ["bounds"]


async def test_a_reader_that_has_fallen_behind_is_not_ready(prober, monkeypatch):
    await prober.get("/readyz")
    await await_until(lambda: feed.current().lag_s is not None, "the reader to look for the first time")
    monkeypatch.setattr(readiness, "MAX_LAG_S", -1)
    response = await prober.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["log_reader"]["status"] == "not ready"


async def test_without_redis_a_process_is_degraded_and_serves(prober, redis_layer):
    layer_health.failed("the test says so")
    response = await prober.get("/readyz")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["checks"]["channel_layer"]["status"] == "degraded"


async def test_a_process_that_was_told_to_stop_is_not_ready(prober, monkeypatch):
    monkeypatch.setattr(server_status, "draining", True)
    response = await prober.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    assert response.json()["checks"]["server"]["status"] == "not ready"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_answers_are_not_kept_and_heads_are_served(prober, path):
    response = await prober.head(path)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert (await prober.post(path)).status_code == 405


def test_a_postgresql_that_is_stopped_and_started_makes_a_process_not_ready_and_ready_again(site):
    here: Site = site(database="postgresql")
    with here.client() as client:
        assert client.get("/readyz").status_code == 200
        here.postgresql.stop()
        wait_until(lambda: client.get("/readyz").status_code == 503, "the process to be not ready")
        assert client.get("/healthz").status_code == 200
        here.postgresql.start()
        wait_until(lambda: client.get("/readyz").status_code == 200, "the process to be ready again")


def test_a_valkey_that_is_killed_and_started_degrades_a_process_and_no_more(site):
    here: Site = site(redis=True)
    with here.client() as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the process to be ready")
        here.valkey.kill()
        wait_until(lambda: client.get("/readyz").json()["status"] == "degraded", "the process to be degraded")
        assert client.get("/readyz").status_code == 200
        here.valkey.start()
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the process to be ready again")
