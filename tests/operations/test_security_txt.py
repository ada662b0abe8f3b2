"""`/.well-known/security.txt`, RFC 9116."""

from datetime import UTC, datetime, timedelta

from django.test import Client

PATH = "/.well-known/security.txt"


def test_there_is_none_where_nobody_is_named(client: Client, db: None) -> None:
    assert client.get(PATH).status_code == 404


def test_it_names_whom_to_tell_and_is_never_out_of_date(client: Client, settings) -> None:
    settings.SECURITY_CONTACT = "mailto:security@example.org"
    answer = client.get(PATH, secure=True)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert fields["Contact"] == "mailto:security@example.org"
    assert fields["Canonical"] == f"https://testserver{PATH}"
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=29) < left < timedelta(days=365)
