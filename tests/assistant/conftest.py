"""What the assistant's tests share."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _type_at_once(settings: Settings) -> None:
    settings.ASSISTANT_PIECE_DELAY_S = 0
