"""What may end the rights of Ada, who has a session in `tab` and is in one group."""

from django.contrib.auth.models import Group, User
from django.test import Client


def sign_out(ada: User, tab: Client) -> None:
    tab.logout()


def change_password(ada: User, tab: Client) -> None:
    ada.set_password("second")
    ada.save()


def deactivate(ada: User, tab: Client) -> None:
    ada.is_active = False
    ada.save()


def delete(ada: User, tab: Client) -> None:
    ada.delete()


def leave_group(ada: User, tab: Client) -> None:
    ada.groups.clear()


def empty_group(ada: User, tab: Client) -> None:
    Group.objects.get().user_set.clear()


def delete_group(ada: User, tab: Client) -> None:
    Group.objects.get().delete()
