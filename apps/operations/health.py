"""`GET /healthz`, is this process alive; `GET /readyz`, should it be sent requests. See OPERATIONS.md#health."""

import os

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from apps.operations import roll_call
from apps.operations.readiness import Level, check_all, worst

_NOT_KEPT = {"Cache-Control": "no-store"}


@require_safe
async def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the event loop turns, and ask nobody else: a restart would not bring a database back."""
    checks = {"process": {"status": "alive", "says": f"process {os.getpid()} answers"}}
    return JsonResponse({"status": "alive", "checks": checks}, headers=_NOT_KEPT)


@require_safe
async def readyz(request: HttpRequest) -> JsonResponse:
    """Answer with each check in words; 503 where requests should go to another process."""
    roll_call.current().start()
    checks = await check_all()
    level = worst(checks)
    body = {
        "status": level,
        "checks": {name: {"status": check.level, "says": check.says} for name, check in checks.items()},
    }
    if level is Level.NOT_READY:
        return JsonResponse(body, status=503, headers={**_NOT_KEPT, "Retry-After": "1"})
    return JsonResponse(body, headers=_NOT_KEPT)
