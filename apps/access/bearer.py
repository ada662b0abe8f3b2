"""Where a token comes in a request: the Authorization header, or a WebSocket's subprotocols. Never an address."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from apps.access.tokens import PREFIX

# A page can't give a WebSocket headers, but names of subprotocols. It has to offer one beside the token that the server
# may choose: a browser hangs up where none is chosen, and a token is not to be repeated in an answer.
_SUBPROTOCOL = "bearer."
# RFC 6750 section 2.3 calls it access_token, and advises against it.
_IN_ADDRESSES = ("access_token", "token", "bearer")
# Under whatever name: a token, or an API key as far as its secret. A topic may begin with rt_ too.
_CREDENTIAL = re.compile(rf"{PREFIX}|rt_[0-9a-f]{{12}}_")


def bearer_of(scope: Mapping[str, Any]) -> str | None:
    """Return what an ASGI scope bears as a token, whatever it is worth, or None.

    Of two that differ it returns one that can't count: nobody could say which was meant.
    """
    found = {value[len("bearer ") :].strip() for value in _authorizations(scope) if value.lower().startswith("bearer ")}
    found |= {
        name.removeprefix(_SUBPROTOCOL) for name in scope.get("subprotocols") or () if name.startswith(_SUBPROTOCOL)
    }
    return None if not found else found.pop() if len(found) == 1 else ""


def in_address(query: Mapping[str, Iterable[str]]) -> str | None:
    """Return the name of the parameter in which a token or an API key came, or None.

    Addresses end up in logs and histories.
    """
    for name, values in query.items():
        if name.lower() in _IN_ADDRESSES or any(map(_CREDENTIAL.match, values)):
            return name
    return None


def _authorizations(scope: Mapping[str, Any]) -> Iterable[str]:
    return (value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization")
