"""A group's topic goes by its name: what was said in it ends with the name, and is not for a later group's ears."""

from typing import Any

from django.contrib.auth.models import Group
from django.db.models.signals import post_delete, pre_save

from apps.access.families import group_topic
from apps.events import log


def connect() -> None:
    """Listen to what Django says of groups."""
    pre_save.connect(_group_is_saved, Group)
    post_delete.connect(_group_deleted, Group)


def _group_is_saved(instance: Group, **_: Any) -> None:
    before = Group.objects.filter(pk=instance.pk).values_list("name", flat=True).first()
    if before is not None and group_topic(before) != group_topic(instance.name):
        log.clear(group_topic(before))


def _group_deleted(instance: Group, **_: Any) -> None:
    log.clear(group_topic(instance.name))
