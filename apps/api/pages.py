"""The API's pages for people: its document to browse and try, and what each of its problems means."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.api.problems import PROBLEMS


def docs(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document, with a form to try each operation."""
    return render(request, "api/docs.html")


def problems(request: HttpRequest) -> HttpResponse:
    """Explain every code; the `type` of a problem points to its place here."""
    return render(request, "api/problems.html", {"problems": PROBLEMS})
