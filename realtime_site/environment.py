"""Settings from the environment, strictly: what can't be meant is refused, with a sentence that says what to do."""

import math
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

from apps.access.rate import Rate
from apps.access.rate import parse as parse_rate

_YES_AND_NO = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_DATABASES = ("sqlite", "postgresql", "postgres")
_REDIS = ("redis://", "rediss://", "unix://")
_CONTACTS = ("mailto:", "https://", "tel:")
# As browsers send it: no path, no slash at its end.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?P<subdomains>\*\.)?[^\s/?#@*]+")
# Of the package's names for the same, those that say what they are: its smtps:// is not TLS from the start.
_MAIL = ("smtp", "smtp+tls", "smtp+ssl", "consolemail", "filemail", "dummymail")


class WrongSetting(ImproperlyConfigured):
    """A variable whose value can't be used; the message names it, and never shows a secret."""


class Environment(environ.FileAwareEnv):
    """Read variables, each from `NAME` or from the file that `NAME_FILE` names; an empty one counts as not set.

    django-environ reads `.env` and parses database URLs. Its casts are not used: they take `DEBUG=perhaps` for no,
    `1s5x` for 15, and a secret that begins with `$` for the name of another variable.

    Raises:
        WrongSetting: from every method, where the variable's value can't be used.
    """

    def text(self, name: str, *, default: str, choices: Sequence[str] = ()) -> str:
        value = self._given(name) or default
        if choices and value not in choices:
            raise WrongSetting(f"{name} is {value!r}; expected one of: {', '.join(choices)}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._given(name)
        if value is None:
            return default
        if value.lower() not in _YES_AND_NO:
            raise WrongSetting(f"{name} is {value!r}; expected true or false")
        return _YES_AND_NO[value.lower()]

    def integer(self, name: str, *, default: int, at_least: int) -> int:
        return self._number(name, int, "a whole number", default, at_least)

    def decimal(self, name: str, *, default: float, at_least: float) -> float:
        return self._number(name, float, "a number", default, at_least)

    def rate(self, name: str, *, default: str) -> Rate | None:
        """Return how often something may be done; None: as often as anybody likes."""
        try:
            return parse_rate(self._given(name) or default)
        except ValueError as error:
            raise WrongSetting(f"{name}: {error}") from None

    def words(self, name: str, *, default: list[str]) -> list[str]:
        value = self._given(name)
        return default if value is None else [word.strip() for word in value.split(",") if word.strip()]

    def networks(self, name: str, *, default: list[str]) -> list[IPv4Network | IPv6Network]:
        """Return the networks in the variable `name`; an address alone is a network of one."""
        networks = []
        for word in self.words(name, default=default):
            try:
                networks.append(ip_network(word))
            except ValueError:
                raise WrongSetting(
                    f"{name} has {word!r}; expected addresses or networks, such as 192.0.2.7 or 2001:db8::/32"
                ) from None
        return networks

    def origins(self, name: str, *, default: list[str], subdomains: bool = False, everybody: bool = False) -> list[str]:
        """Return the origins of pages in the variable `name`, as browsers send them.

        Args:
            name: the variable.
            default: what counts where it is not set.
            subdomains: `https://*.example.org` may stand for all hosts of a domain.
            everybody: `*` may stand for all origins.
        """
        origins = []
        for word in self.words(name, default=default):
            origin = _ORIGIN.fullmatch(word.lower())
            if not (everybody and word == "*") and (not origin or (origin["subdomains"] and not subdomains)):
                raise WrongSetting(
                    f"{name} has {word!r}; expected origins with their scheme and without a path, such as "
                    f"https://news.example.org{', or *' if everybody else ''}"
                )
            origins.append(word.lower())
        return origins

    def contact(self, name: str, *, default: str) -> str:
        """Return an address at which people can be reached, as a URL."""
        value = self._given(name) or default
        if value and not (value.startswith(_CONTACTS) and value.isprintable() and " " not in value):
            raise WrongSetting(f"{name} is {value!r}; expected mailto:security@example.org, https://… or tel:…")
        return value

    def time_zone(self, name: str, *, default: str) -> str:
        value = self._given(name) or default
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise WrongSetting(
                f"{name} is {value!r}; expected a name such as UTC, Europe/Berlin or Asia/Shanghai"
            ) from None
        return value

    def database(self, url: str) -> dict[str, Any]:
        """Return Django's settings for the database at `url`."""
        scheme = url.partition("://")[0]
        if "://" not in url or scheme not in _DATABASES:
            # Not the URL itself: it holds the password.
            raise WrongSetting(
                "DATABASE_URL names no database; expected sqlite:///folder/file.sqlite3 "
                "or postgresql://user:password@host:5432/name"
            )
        try:
            database = self.db_url_config(url)
        except ValueError:
            database = {}
        if not database.get("NAME"):
            raise WrongSetting(
                f"DATABASE_URL can't be taken apart; expected {scheme}://… with a name at its end, "
                "and characters that mean something in a URL percent-encoded in the password"
            )
        return database

    def email(self, name: str, *, default: str) -> dict[str, Any]:
        """Return Django's settings for the mail server in the variable `name`."""
        url = self._given(name) or default
        try:
            mail = self.email_url_config(url) if url.partition("://")[0] in _MAIL else None
        except (ValueError, ImproperlyConfigured):
            mail = None
        if mail is None or (url.startswith("smtp") and not mail["EMAIL_HOST"]):
            # Not the URL itself: it holds the password.
            raise WrongSetting(
                f"{name} names no mail server; expected smtp+tls://user:password@host:587, smtp+ssl:// or smtp://, "
                "with characters that mean something in a URL percent-encoded in the password, or consolemail://"
            )
        # Django's own defaults for what the URL leaves out.
        return {key: value for key, value in mail.items() if value is not None}

    def redis(self, name: str, *, default: str) -> str:
        url = self._given(name) or default
        if url and not url.startswith(_REDIS):
            raise WrongSetting(f"{name} is no address of a Redis; expected redis://host:6379/0, rediss:// or unix://")
        return url

    def _given(self, name: str) -> str | None:
        try:
            # A file made with an editor or `echo` ends with a line break.
            return self.ENVIRON[name].strip() or None
        except KeyError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            path = self.ENVIRON[f"{name}_FILE"]
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise WrongSetting(
                f"{name}_FILE is {path!r}, which can't be read ({reason}); correct the path, or the file's permissions"
            ) from error

    def _number(self, name: str, kind: type, expected: str, default: float, at_least: float) -> Any:
        value = self._given(name)
        if value is None:
            return default
        try:
            number = kind(value)
        except ValueError:
            number = math.nan
        if not at_least <= number < math.inf:
            raise WrongSetting(f"{name} is {value!r}; expected {expected}, at least {at_least:g}")
        return number
