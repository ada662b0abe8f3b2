"""Who can sign in to a site under test."""

from dataclasses import dataclass

# One for all sites: it signs the sessions below.
SECRET_KEY = "the same for every process of a site under test"
# Django compares the cookie with the header: any 32 letters do, and the same twice are a valid pair.
CSRF_TOKEN = "c" * 32


@dataclass(frozen=True)
class Account:
    """A user, and the key of a session that is signed in from the start.

    Args:
        user_id: the primary key in every site under test.
        is_admin: staff with every permission.
        groups: the names of their groups.
        is_active: who is not keeps the session from before, which is worth nothing.
    """

    user_id: int
    username: str
    password: str
    session_key: str
    is_admin: bool = False
    is_staff: bool = False
    groups: tuple[str, ...] = ()
    is_active: bool = True

    def cookies(self) -> dict[str, str]:
        """Return the cookies of a browser that is signed in."""
        return {"sessionid": self.session_key, "csrftoken": CSRF_TOKEN}


ADMIN = Account(1, "admin", "an admin of the tests", "a" * 32, is_admin=True, is_staff=True)
READER = Account(2, "reader", "a reader of the tests", "b" * 32)
OTHER_READER = Account(3, "other-reader", "another reader of the tests", "d" * 32)
MEMBER = Account(4, "member", "a member of the tests", "e" * 32, groups=("editors",))
STAFF = Account(5, "staff", "staff of the tests", "f" * 32, is_staff=True)
DEACTIVATED = Account(6, "deactivated", "somebody who was here", "g" * 32, groups=("editors",), is_active=False)
ACCOUNTS = (ADMIN, READER, OTHER_READER, MEMBER, STAFF, DEACTIVATED)
