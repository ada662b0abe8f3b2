"""Who publishes: Ada, who may everything, and a key of hers."""

import pytest
from django.contrib.auth.models import User

from tests.api.issuing import issue


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password="correct horse")


@pytest.fixture
def key(ada: User) -> str:
    return issue(ada)
