"""Text of several lines, however its line breaks were typed."""

import re
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.db import models

_LINE_BREAK = re.compile("\r\n?|[\u0085\u2028\u2029]")


def with_plain_breaks(text: str) -> str:
    """Return `text` with every line break as a single line feed."""
    return _LINE_BREAK.sub("\n", text)


class LinesFormField(forms.CharField):
    """A text area whose length is counted as its author counts it: forms send a line break as two characters."""

    def to_python(self, value: Any) -> str | None:
        return super().to_python(with_plain_breaks(value) if isinstance(value, str) else value)


class LinesField(models.TextField):
    """Text with line feeds for line breaks and at most `max_length` characters, from a form and from code alike."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.max_length is not None:
            # Of itself a TextField checks its length in forms only.
            self.validators.append(MaxLengthValidator(self.max_length))

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text if text is None else with_plain_breaks(text)

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": LinesFormField, **options})
