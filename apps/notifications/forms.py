"""The form in which an editor writes a notification."""

import hashlib
import re
import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.events.logged_event import encode
from apps.notifications.audience import Audience, Kind
from apps.notifications.models import Notification
from apps.notifications.publishing import CONTENT

_SUBMISSION = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _new_submission() -> str:
    return secrets.token_urlsafe(12)


class NotificationForm(forms.ModelForm):
    """Content and audience; on a new notification also a token that makes a double click one post."""

    submission = forms.CharField(widget=forms.HiddenInput, required=False, initial=_new_submission)

    class Meta:
        model = Notification
        fields = (*CONTENT, "audience", "groups", "people")
        help_texts = {
            "groups": _("Their members, whoever that is when they look."),
            "people": _("Type the beginning of a name. For more than 200 make a group."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, placeholder in (
            ("title", _("The shop closes early on Friday")),
            ("message", _("On Friday we close at 16:00 instead of 18:00. Orders placed later go out on Monday.")),
            ("link", "https://"),
        ):
            # A reader of the notification without permission to change it gets a form without fields.
            if name in self.fields:
                attributes = self.fields[name].widget.attrs
                attributes["placeholder"] = placeholder
                # A browser cuts what is pasted to `maxlength` without a word. The text stays whole instead: a counter
                # below the field (editor.js) and the form's own check say by how much it is too long.
                limit = attributes.pop("maxlength")
                if name != "link":
                    attributes["data-limit"] = limit

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        # What was chosen before another kind of audience was is not meant any more.
        for kind in (Kind.GROUPS, Kind.PEOPLE):
            if cleaned.get("audience") != kind and kind.value in self.fields:
                cleaned[kind.value] = []
        if "audience" in cleaned and (fault := self.audience.fault):
            self.add_error(cleaned["audience"] if cleaned["audience"] in self.fields else "audience", fault)
        return cleaned

    @property
    def audience(self) -> Audience:
        """Whom the editor chose."""
        chosen = self.cleaned_data
        return Audience(Kind(chosen["audience"]), tuple(chosen.get("groups", ())), tuple(chosen.get("people", ())))

    @property
    def key(self) -> str | None:
        """A name for posting just this content from just this rendering of the form.

        A second click or a reload sends the same; who goes back, changes a word and saves means another notification.
        """
        submission = self.cleaned_data["submission"]
        if not _SUBMISSION.fullmatch(submission):
            return None
        content = encode([*(self.cleaned_data[name] for name in CONTENT), self.audience.topics])
        return f"admin:{submission}:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
