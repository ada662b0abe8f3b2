"""A group's topic ends with the group's name."""

import pytest
from django.contrib.auth.models import Group

from apps.access.families import group_topic
from apps.events import log
from apps.events.cursor import START

pytestmark = pytest.mark.django_db


def said_in(name: str) -> list[int]:
    return [event.data for event in log.read([group_topic(name)], START).events]


@pytest.fixture
def night() -> Group:
    night = Group.objects.create(name="Night shift")
    log.append(group_topic("Night shift"), "test.happened", 1)
    log.append(group_topic("editors"), "test.happened", 2)
    return night


def test_a_later_group_of_the_name_does_not_read_what_a_renamed_one_said(night: Group) -> None:
    night.name = "Day shift"
    night.save()
    Group.objects.create(name="Night shift")
    assert (said_in("Night shift"), said_in("editors")) == ([], [2])


def test_a_later_group_of_the_name_does_not_read_what_a_deleted_one_said(night: Group) -> None:
    night.delete()
    Group.objects.create(name="Night shift")
    assert (said_in("Night shift"), said_in("editors")) == ([], [2])


def test_a_group_that_keeps_its_name_keeps_its_topic(night: Group) -> None:
    night.save()
    assert said_in("Night shift") == [1]
