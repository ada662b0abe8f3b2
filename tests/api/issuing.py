"""Keys for the tests of the publish API."""

from django.contrib.auth.models import User

from apps.api.models import ApiKey


def issue(owner: User, topics: str = "lab.* staff.deploys", name: str = "deploys") -> str:
    """Return the text of a new key of `owner`."""
    return ApiKey(name=name, owner=owner, topics=topics).issue().text
