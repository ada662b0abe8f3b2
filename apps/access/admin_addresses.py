"""From where the admin may be used: everywhere, or only from the networks of ADMIN_ADDRESSES."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from apps.access.client_address import client_address


class AdminAddresses(MiddlewareMixin):
    """Answer 403 for the admin, its sign-in included, to who comes from elsewhere."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        # By where the path leads and not by how it is written.
        match = request.resolver_match
        if match is not None and match.app_name == "admin" and not admits(request):
            raise PermissionDenied


def admits(request: HttpRequest) -> bool:
    """Return whether the admin may be used from where `request` comes."""
    if not settings.ADMIN_ADDRESSES:
        return True
    address = client_address(request)
    return address is not None and any(address in network for network in settings.ADMIN_ADDRESSES)
