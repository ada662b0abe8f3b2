"""An editor at work in the admin: posts, edits and recalls notifications through its forms."""

from tests.demos.markup import Markup
from tests.rig.site import Site

_ADMIN = "/admin/notifications/notification"


def post(site: Site, title: str, message: str = "", level: str = "info", link: str = "", **audience: str) -> None:
    """Post a notification to everyone, or to an `audience` as the form has it: audience="people", people="2"."""
    _submit(site, f"{_ADMIN}/add/", _fields(title, message, level, link) | audience)


def edit(
    site: Site, pk: str, title: str, message: str = "", level: str = "info", link: str = "", **audience: str
) -> None:
    """Give the notification `pk` another content and audience, as for `post`."""
    _submit(site, f"{_ADMIN}/{pk}/change/", _fields(title, message, level, link) | audience)


def recall(site: Site, pk: str) -> None:
    """Delete the notification `pk`."""
    _submit(site, f"{_ADMIN}/{pk}/delete/", {})


def _fields(title: str, message: str, level: str, link: str) -> dict[str, str]:
    return {"title": title, "message": message, "level": level, "link": link, "audience": "everyone"}


def _submit(site: Site, address: str, fields: dict[str, str]) -> None:
    with site.client(site.admin) as admin:
        inputs = [field for field in Markup(admin.get(address).text).all("input") if field.get("type") == "hidden"]
        hidden = {field["name"]: field.get("value", "") for field in inputs if "name" in field}
        answer = admin.post(address, data=hidden | fields)
    assert answer.status_code == 302, answer.text
