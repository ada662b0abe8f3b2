"""The API's pages for people: its document to browse and try, and what each of its problems means."""

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.api.problems import PROBLEMS


# The viewer that shows the document writes markup from text, which trusted types forbid. The rest of the policy holds.
@csp_replace({"require-trusted-types-for": None})
def docs(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document, with a form to try each operation."""
    return render(request, "api/docs.html")


def problems(request: HttpRequest) -> HttpResponse:
    """Explain every code; the `type` of a problem points to its place here."""
    return render(request, "api/problems.html", {"problems": PROBLEMS})
