"""The page for who tried or asked too often."""

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def told_to_wait(request: HttpRequest, page: str, wait_s: int) -> HttpResponse:
    """Answer 429 with Retry-After, and a page that says in minutes when to try again.

    Args:
        page: its template, which is given `minutes`.
        wait_s: seconds, 1 or more.
    """
    response = render(request, page, {"minutes": math.ceil(wait_s / 60)}, status=429)
    response["Retry-After"] = str(wait_s)
    return response
