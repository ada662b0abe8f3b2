"""Which ASGI application serves which paths."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

ASGIApplication = Callable[[dict[str, Any], Callable, Callable], Awaitable[None]]


def by_prefix(applications: Mapping[str, ASGIApplication], otherwise: ASGIApplication) -> ASGIApplication:
    """Return an application that hands each request to the first of `applications` whose prefix its path has."""

    async def route(scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        path = scope["path"]
        chosen = next((app for prefix, app in applications.items() if path.startswith(prefix)), otherwise)
        await chosen(scope, receive, send)

    return route
