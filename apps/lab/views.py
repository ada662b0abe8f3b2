"""The lab's page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie

from apps.demos.explained import TRANSPORTS
from apps.lab import limits
from apps.lab.page_texts import CLAIMS, FAULT_TEXTS, LAB_TEXTS, ROWS, SERVER_FIGURES
from apps.lab.visitor import welcome


@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Show all five at once, at rest."""
    context = {
        "transports": TRANSPORTS,
        "faults": FAULT_TEXTS,
        "claims": CLAIMS,
        "rows": ROWS,
        "server_figures": SERVER_FIGURES,
        "limits": {
            "rate": limits.RATE_PER_S,
            "seconds": limits.DURATION_S,
            "size": limits.SIZE_BYTES,
        },
        "texts": LAB_TEXTS | {f"fault-{fault.name}": fault.title for fault in FAULT_TEXTS},
    }
    response = render(request, "lab/lab.html", context)
    welcome(request, response)
    return response
