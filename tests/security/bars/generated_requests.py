"""S6, the HTTP half: requests made up from the API's own document, half of them against it, by four kinds of people."""

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.faults.rig import Rig
from tests.faults.scenario import Outcome
from tests.rig.accounts import ADMIN, CSRF_TOKEN, READER
from tests.rig.figure import Figure
from tests.rig.site import run_python
from tests.security.bar import Bar, Say
from tests.security.unharmed import Unharmed

TOPIC = "lab.generated"
# What an answer is held to: the document knows its status, its media type and its form.
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
# Made-up names are no topics: without these hardly a request would come further than a 404.
TOPICS = (TOPIC, "notifications", "chat.lobby", f"user.{READER.user_id}", "group.editors", "staff.generated")


@dataclass
class _Tried:
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> int:
        return sum(count for status, count in self.statuses.items() if status < 300)


async def play(rig: Rig, count: int, say: Say) -> Outcome:
    unharmed = Unharmed(rig)
    words = ("create_api_key", "generated", "--owner", ADMIN.username, "--topics", "*")
    printed = await asyncio.to_thread(run_python, rig.env, "manage.py", *words)
    key = printed.partition("key: ")[2].split()[0]
    tried = await asyncio.to_thread(_attempts, rig.web[0].url, key, count, say)
    say(f"requests: {dict(sorted(tried.statuses.items()))}")
    return Outcome(
        [
            Figure("generated requests", tried.statuses.total(), at_least=count),
            # Otherwise they would all have been turned away at the door, and shown nothing.
            Figure("of these served", tried.succeeded, at_least=max(1, count // 50)),
            Figure(
                "answers of 500 and above", sum(n for status, n in tried.statuses.items() if status >= 500), at_most=0
            ),
            Figure("connections broken off", len(tried.broken), at_most=0),
            Figure("answers that the document does not know", len(tried.undocumented), at_most=0),
            *unharmed.figures(),
        ],
        findings=[*tried.undocumented[:10], *tried.broken[:10], *unharmed.findings()],
    )


def _attempts(url: str, key: str, count: int, say: Say) -> _Tried:
    document = requests.get(f"{url}/api/openapi.json", timeout=60).json()
    operations = [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]
    made_of = random.randrange(2**32)
    say(f"requests for {len(operations)} operations with seed {made_of}")
    tried = _Tried()
    people = itertools.cycle(_people(url, key))
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    each = -(-count // (len(operations) * len(modes)))
    with requests.Session() as session:
        # Their cookies are those of each request, not what an answer sets.
        session.cookies.set_policy(_NoCookies())
        for operation, mode in itertools.product(operations, modes):

            @seed(made_of)
            @settings(
                max_examples=each,
                database=None,
                deadline=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def attempt(case: schemathesis.Case) -> None:
                _attempt(case, url, session, next(people), tried)

            # Of few examples Hypothesis knows that they are all there are, and stops: then they are sent again.
            enough = tried.sent + each
            while tried.sent < enough:
                attempt()
    return tried


def _attempt(
    case: schemathesis.Case, url: str, session: requests.Session, person: dict[str, Any], tried: _Tried
) -> None:
    tried.sent += 1
    if "topic" in (case.path_parameters or {}) and tried.sent % 2:
        case.path_parameters["topic"] = TOPICS[tried.sent // 2 % len(TOPICS)]
    what = f"{case.method} {case.formatted_path} {case.query or ''} {str(case.body)[:200]}"
    try:
        response = case.call(base_url=url, session=session, timeout=60, **person)
    except requests.RequestException as error:
        tried.broken.append(f"{what}: {error}")
        return
    tried.statuses[response.status_code] += 1
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as failures:
        tried.undocumented.append(f"{what}: {'; '.join(str(one) for one in failures.exceptions)[:300]}")


def _people(url: str, key: str) -> list[dict[str, Any]]:
    signed_in = {"X-CSRFToken": CSRF_TOKEN, "Origin": url}
    return [
        {"headers": {"Authorization": f"Bearer {key}"}},
        {"headers": signed_in, "cookies": ADMIN.cookies()},
        {"headers": signed_in, "cookies": READER.cookies()},
        {},
    ]


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


BAR = Bar("S6b", "requests generated from the OpenAPI document", play, full=10_000, short=60)
