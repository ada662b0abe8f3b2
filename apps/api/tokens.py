"""Tokens for clients without a cookie, asked for by who has one, or a key. See ACCESS.md#tokens."""

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from apps.access.families import may
from apps.access.identity import Identity, Right
from apps.access.tokens import TokenIdentity
from apps.access.topic_patterns import covers
from apps.api import answers, bodies, pacing
from apps.api.credentials import TO_WRITE, asking
from apps.api.issuing import hand_out
from apps.api.key_identity import KeyIdentity
from apps.transports.refusal import Refusal

router = Router(tags=["tokens"])


@router.post(
    "/tokens",
    auth=TO_WRITE,
    response={201: answers.Token, (400, 401, 403, 413, 415, 429, 500, 503): answers.Problem},
    summary="Ask for a token",
)
def create_token(request: HttpRequest, wanted: bodies.NewToken) -> HttpResponse:
    """Get a token that stands for whoever asks, for some topics, some rights, and a while.

    It never does more than who asked may do, at the moment in which it is used.
    """
    identity = asking(request)
    pacing.count(request, "tokens", identity)
    rights = [Right(right) for right in wanted.rights]
    _check_reach(identity, wanted.topics, rights)
    user = get_user_model()._default_manager.get(pk=identity.user_id or "")  # `TO_WRITE` lets in nobody anonymous
    key_prefix = identity.key_prefix if isinstance(identity, KeyIdentity) else ""
    try:
        issued = hand_out(user, " ".join(wanted.topics), rights, wanted.expires_in, key_prefix=key_prefix)
    except (ValidationError, ValueError) as error:
        words = error.messages[0] if isinstance(error, ValidationError) else str(error)
        raise Refusal(400, "bad_body", words, "correct it", pointer="/topics") from None
    answer = {"token": issued.text, "expires_in": wanted.expires_in, "expires_at": issued.expires_at}
    return JsonResponse(answer, status=201, headers={"Cache-Control": "no-store"})


def _check_reach(identity: Identity, topics: list[str], rights: list[Right]) -> None:
    """Refuse what the token could never do, rather than hand out one that is refused later."""
    if isinstance(identity, TokenIdentity):
        raise Refusal(
            403, "forbidden", "a token can't ask for another one: it would never end", "ask with a session or a key"
        )
    if isinstance(identity, KeyIdentity) and not covers(identity.key_topics, " ".join(topics)):
        reached = ", ".join(identity.key_topics.split())
        raise Refusal(403, "forbidden", f"the API key reaches only {reached}", "ask for topics among these")
    for right in rights:
        if isinstance(identity, KeyIdentity) and right is not Right.PUBLISH:
            raise Refusal(403, "forbidden", "an API key may publish, and read nothing", 'ask for ["publish"]')
        for topic in topics:
            if not topic.endswith("*") and not may(identity, right, topic):
                message = f"you have not the right to {right.value} {topic!r}, or there is no such topic"
                raise Refusal(403, "forbidden", message, "ask for what you may do, or for a pattern")
