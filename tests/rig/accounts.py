"""Who can sign in to a site under test."""

from dataclasses import dataclass

# One for all sites: it signs the sessions below.
SECRET_KEY = "the same for every process of a site under test"
# Django compares the cookie with the header: any 32 letters do, and the same twice are a valid pair.
CSRF_TOKEN = "c" * 32


@dataclass(frozen=True)
class Account:
    """A user, and the key of a session that is signed in from the start."""

    username: str
    password: str
    session_key: str
    is_admin: bool = False

    def cookies(self) -> dict[str, str]:
        """Return the cookies of a browser that is signed in."""
        return {"sessionid": self.session_key, "csrftoken": CSRF_TOKEN}


ADMIN = Account("admin", "an admin of the tests", "a" * 32, is_admin=True)
READER = Account("reader", "a reader of the tests", "b" * 32)
OTHER_READER = Account("other-reader", "another reader of the tests", "d" * 32)
