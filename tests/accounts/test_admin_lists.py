"""Every list in the admin, as an administrator looks through it, on each database."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from apps.api.models import ApiKey
from apps.audit.models import Action, Entry
from apps.notifications.models import Notification

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def administrator() -> Client:
    chief = User.objects.create_superuser("chief")
    Group.objects.create(name="editors")
    Notification.objects.create(title="Closed on Friday", posted_by=chief)
    client = Client()
    client.force_login(chief)
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_opens_and_can_be_sorted_searched_and_filtered(administrator: Client, model: Any) -> None:
    options = admin.site._registry[model]
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    questions: list[dict[str, object]] = [{}, {"o": "1"}, {"o": "-2.1"}]
    if options.search_fields:
        questions.append({"q": "chief 1"})
    if options.date_hierarchy:
        questions.append({f"{options.date_hierarchy}__year": datetime.now(UTC).year})
    for question in questions:
        response = administrator.get(address, question)
        assert response.status_code == 200, question


def test_what_the_lists_are_tried_with_is_in_them(administrator: Client) -> None:
    assert {ApiKey, Entry, Notification, User, Group} <= set(MODELS)
    assert Entry.objects.filter(action=Action.NOTIFICATION_POSTED).exists()
