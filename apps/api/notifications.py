"""Notifications over HTTP: post, edit, recall. What they may say and whom they reach is up to apps.notifications."""

from collections.abc import Iterable
from typing import Annotated, Any, NoReturn

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from apps.access.families import may
from apps.access.identity import Identity, Right
from apps.api import answers, bodies
from apps.api.credentials import TO_WRITE, asking
from apps.api.key_identity import KeyIdentity
from apps.api.own_keys import own_key
from apps.events.log import EventRejected
from apps.events.logged_event import encode
from apps.notifications import publishing
from apps.notifications.audience import EVERYONE, Audience
from apps.notifications.models import Notification
from apps.transports.refusal import Refusal, bad_request

router = Router(tags=["notifications"])

Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="the notification's id, a number from 1")]

_WRITING = {(400, 401, 403, 413, 415, 429, 500, 503): answers.Problem}


@router.post(
    "/notifications",
    auth=TO_WRITE,
    response={201: answers.Notification, 200: answers.Notification, 409: answers.Problem, **_WRITING},
    summary="Post a notification",
)
def post_notification(request: HttpRequest, notification: bodies.NewNotification) -> HttpResponse:
    """Post a notification to everyone, to groups or to chosen people: every page of theirs shows it at once.

    201 with it; 200 with the first one if the key is known. It takes the permission to add notifications and, to choose
    people, the one to view users; a key must name the topics over which the audience is reached.
    """
    identity = asking(request)
    _check_permission(identity, "notifications.add_notification")
    audience = _audience(identity, notification.audience)
    _check_reach(identity, audience)
    posted = Notification(
        title=notification.title,
        message=notification.message,
        level=notification.level,
        link=notification.link,
        posted_by_id=identity.user_id,
    )
    try:
        key = own_key(identity, "notification", notification.key)
        event = publishing.post(posted, key=key, audience=audience)
    except ValidationError as error:
        _refuse(error)
    except EventRejected as error:
        raise bad_request("bad_body", str(error), "correct the notification") from None
    if posted.pk is None:
        raise Refusal(
            409,
            "recalled",
            f"the notification that was posted with the key {notification.key!r} was recalled since",
            "to post it again, use another key",
        )
    return _answer(posted, 200 if event.repeated else 201)


@router.patch(
    "/notifications/{number}",
    auth=TO_WRITE,
    response={200: answers.Notification, 404: answers.Problem, **_WRITING},
    summary="Edit a notification",
)
def edit_notification(request: HttpRequest, number: Number, edit: bodies.Edit) -> HttpResponse:
    """Change what a notification says, or whom it is for; what is left out stays.

    With another audience, who comes in gets it as new, and from who goes out it is taken back. It takes the permission
    to change notifications.
    """
    identity = asking(request)
    _check_permission(identity, "notifications.change_notification")
    audience = None if edit.audience is None else _audience(identity, edit.audience)
    with transaction.atomic():
        posted = _found(number)
        _check_reach(identity, posted.reaches)
        if audience is not None:
            _check_reach(identity, audience)
        for name in publishing.CONTENT:
            if (value := getattr(edit, name)) is not None:
                setattr(posted, name, value)
        try:
            publishing.edit(posted, audience=audience)
        except ValidationError as error:
            _refuse(error)
    return _answer(posted, 200)


@router.delete(
    "/notifications/{number}",
    auth=TO_WRITE,
    response={204: None, (400, 401, 403, 404, 429, 500, 503): answers.Problem},
    summary="Recall a notification",
)
def recall_notification(request: HttpRequest, number: Number) -> HttpResponse:
    """Take a notification back: from every page, and its text from the log.

    It takes the permission to delete notifications.
    """
    identity = asking(request)
    _check_permission(identity, "notifications.delete_notification")
    with transaction.atomic():
        posted = _found(number)
        _check_reach(identity, posted.reaches)
        publishing.recall([posted])
    return HttpResponse(status=204)


def _found(number: int) -> Notification:
    # Locked, so that nobody gives it another audience between the question who may and the deed.
    found = Notification.objects.select_for_update().filter(pk=number).first()
    if found is None:
        raise Refusal(
            404,
            "no_such_notification",
            f"there is no notification {number}",
            "check the number; it may have been recalled",
        )
    return found


def _check_permission(identity: Identity, permission: str) -> None:
    if not (identity.is_staff and identity.has_permission(permission)):
        raise Refusal(
            403,
            "forbidden",
            f"{identity.username!r} has no permission {permission!r}",
            "ask for it, or come as somebody who has it",
        )


def _check_reach(identity: Identity, audience: Audience) -> None:
    beyond = [topic for topic in audience.topics if not may(identity, Right.PUBLISH, topic)]
    if beyond:
        who = f"the API key {identity.key_name!r}" if isinstance(identity, KeyIdentity) else repr(identity.username)
        raise Refusal(
            403,
            "forbidden",
            f"{who} may not publish to {beyond[0]!r}, over which this audience is reached",
            "choose another audience, or a key that names this topic",
        )


def _audience(identity: Identity, asked: bodies.Audience | str) -> Audience:
    if isinstance(asked, str):
        return EVERYONE
    match asked.groups, asked.people:
        case list(names), None:
            groups = {group.name: group for group in Group.objects.filter(name__in=names)}
            return Audience.of_groups(*_all_of(names, groups, "group", "/audience/groups"))
        case None, list(names):
            # Otherwise one could find out by trying who is a user here.
            _check_permission(identity, "auth.view_user")
            users = get_user_model()._default_manager.filter(
                is_active=True, **{f"{get_user_model().USERNAME_FIELD}__in": names}
            )
            people = {user.get_username(): user for user in users}
            return Audience.of_people(*_all_of(names, people, "active user", "/audience/people"))
        case _:
            raise Refusal(
                400,
                "bad_body",
                "'/audience' names both groups and people, or neither; expected one of the two",
                'send "everyone", {"groups": […]} or {"people": […]}',
                pointer="/audience",
            )


def _all_of(names: Iterable[str], found: dict[str, Any], what: str, pointer: str) -> list[Any]:
    for index, name in enumerate(names):
        if name not in found:
            raise Refusal(
                400,
                "bad_body",
                f"there is no {what} {name[:120]!r}",
                "correct the name, or leave it out",
                pointer=f"{pointer}/{index}",
            )
    return list({found[name].pk: found[name] for name in names}.values())


def _refuse(error: ValidationError) -> NoReturn:
    field, messages = next(iter(error.message_dict.items()))
    raise Refusal(
        400, "bad_body", f"'/{field}': {' '.join(messages)}", "correct the notification", pointer=f"/{field}"
    ) from None


def _answer(posted: Notification, status: int) -> HttpResponse:
    body = encode({**posted.as_data(), "audience": posted.audience})
    response = HttpResponse(body, status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
