"""What a token is made of."""

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import override_settings

from apps.access import tokens
from apps.access.identity import ANONYMOUS, Right
from apps.access.topic_patterns import covers

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="first")


def test_a_token_stands_for_its_user_as_far_as_it_reaches(ada: User) -> None:
    issued = tokens.issue(ada, " lab.*\n user.1 ", [Right.READ], 60)
    identity = tokens.identity_of_token(issued.text)
    assert (identity.username, identity.expires_at) == ("ada", issued.expires_at)
    assert identity.reaches(Right.READ, "lab.x")
    assert identity.reaches(Right.READ, "user.1")
    assert not identity.reaches(Right.READ, "user.10")
    assert not identity.reaches(Right.PUBLISH, "lab.x")
    # It tells nothing of itself where identities are logged.
    assert issued.text not in repr(identity)


def test_a_token_fits_where_it_is_carried(ada: User) -> None:
    # A header, and the name of a subprotocol (RFC 9110 section 5.6.2: no colon, no slash, no equals sign).
    assert re.fullmatch(r"rtt_[A-Za-z0-9._-]+", tokens.issue(ada, "lab.*", [Right.READ]).text)


@pytest.mark.parametrize(
    ("topics", "rights", "life_s"),
    [
        ("", [Right.READ], 60),
        ("lab.*", [], 60),
        ("lab.*", [Right.READ], 0),
        ("lab.*", [Right.READ], 3_601),
        ("lab.* " * 200, [Right.READ], 60),
    ],
)
def test_what_can_not_be_meant_is_no_token(ada: User, topics: str, rights: list[Right], life_s: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        tokens.issue(ada, topics, rights, life_s)


def test_a_pattern_that_fits_no_topic_is_refused(ada: User) -> None:
    with pytest.raises(ValidationError, match="fits no topic"):
        tokens.issue(ada, "LAB", [Right.READ])


def test_every_letter_of_a_token_is_signed(ada: User) -> None:
    text = tokens.issue(ada, "lab.a", [Right.READ]).text
    for at in range(len(text)):
        other = "A" if text[at] != "A" else "B"
        try:
            tokens.identity_of_token(text[:at] + other + text[at + 1 :])
        except tokens.TokenError as error:
            assert error.code == "bad_token"
        else:
            pytest.fail(f"letter {at} may be any")


def test_a_new_secret_key_ends_tokens_unless_the_old_one_is_a_fallback(ada: User) -> None:
    identity = tokens.identity_of_token(tokens.issue(ada, "lab.a", [Right.READ]).text)
    with override_settings(SECRET_KEY="another"):
        assert identity.reread() is ANONYMOUS
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert identity.reread() == identity


def test_patterns_cover_what_lies_within_them() -> None:
    assert covers("lab.* user.1", "lab.a lab.b.* user.1")
    assert covers("*", "* lab.a")
    for wider in ("lab*", "*", "lab.a other", "user.1*"):
        assert not covers("lab.* user.1", wider)
