"""`manage.py ensure_admin`: the first administrator of a new site."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def ensure_admin(*words: str) -> tuple[str, str]:
    said, complained = StringIO(), StringIO()
    call_command("ensure_admin", *words, stdout=said, stderr=complained)
    return said.getvalue(), complained.getvalue()


def test_new_site_gets_an_administrator_whose_password_stands_on_a_line_of_its_own() -> None:
    said, _ = ensure_admin()
    passwords = re.findall(r"^password: (\S+)$", said, re.MULTILINE)
    assert len(passwords) == 1
    user = User.objects.get(username="admin")
    assert user.check_password(passwords[0])
    assert user.is_staff
    assert user.is_superuser
    assert "changepassword admin" in said


def test_password_is_said_only_once() -> None:
    ensure_admin()
    assert ensure_admin() == ("", "")


def test_site_with_another_administrator_is_left_alone() -> None:
    User.objects.create_superuser("editor-in-chief", password="x")
    assert ensure_admin() == ("", "")
    assert not User.objects.filter(username="admin").exists()


def test_taken_name_gets_no_rights_and_the_way_out_is_said() -> None:
    User.objects.create_user("admin", password="x")
    said, complained = ensure_admin()
    assert said == ""
    assert "ensure_admin --username NAME" in complained
    assert not User.objects.get(username="admin").is_superuser
    assert "user: root" in ensure_admin("--username", "root")[0]
