"""An editor at work in the admin: posts, edits and recalls notifications through its forms."""

from tests.demos.markup import Markup
from tests.rig.site import Site

_ADMIN = "/admin/notifications/notification"


def post(site: Site, title: str, message: str = "", level: str = "info", link: str = "") -> None:
    """Post a notification."""
    _submit(site, f"{_ADMIN}/add/", {"title": title, "message": message, "level": level, "link": link})


def edit(site: Site, pk: str, title: str, message: str = "", level: str = "info", link: str = "") -> None:
    """Give the notification `pk` another content."""
    _submit(site, f"{_ADMIN}/{pk}/change/", {"title": title, "message": message, "level": level, "link": link})


def recall(site: Site, pk: str) -> None:
    """Delete the notification `pk`."""
    _submit(site, f"{_ADMIN}/{pk}/delete/", {})


def _submit(site: Site, address: str, fields: dict[str, str]) -> None:
    with site.client(site.admin) as admin:
        inputs = [field for field in Markup(admin.get(address).text).all("input") if field.get("type") == "hidden"]
        hidden = {field["name"]: field.get("value", "") for field in inputs if "name" in field}
        answer = admin.post(address, data=hidden | fields)
    assert answer.status_code == 302, answer.text
