"""Request in, checked question out."""

import unicodedata
from dataclasses import dataclass

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, QueryDict
from django.utils import translation
from django.utils.translation import gettext as _

from apps.assistant.languages import language_of_question, language_of_reader
from apps.transports.client_json import BadJson, read_json
from apps.transports.refusal import Refusal, bad_request

MAX_QUESTION_CHARS = 2_000
# 2,000 characters percent-encoded or as JSON escapes take at most 24,000 bytes.
MAX_BODY_BYTES = 32 * 1024

_ALLOWED_CONTROLS = frozenset("\t\n\r")


@dataclass(frozen=True, slots=True)
class Question:
    """A question of 1 to 2,000 characters and the language to answer in, one of settings.LANGUAGES."""

    text: str
    language: str


def question_from(request: HttpRequest) -> Question:
    """Read the question from the query (GET) or the body (POST: form fields or a JSON object), `q` and `lang`.

    Raises:
        Refusal: the question can't be used (400), or the body is too big (413) or of another type (415). Its message
            is in the language of the reader.
    """
    reader = language_of_reader(request)
    with translation.override(reader):
        try:
            fields = _fields_of_body(request) if request.method == "POST" else _fields(request.GET)
        except TooManyFieldsSent:
            raise _malformed(_("There are too many fields.")) from None
        text, asked = fields.get("q", ""), fields.get("lang")
        try:
            reader = language_of_reader(request, asked)
        except LookupError:
            raise bad_request(
                "unknown_language",
                _("lang is %(language)s, which this site does not speak.") % {"language": repr(asked)[:40]},
                _("Use en or zh-hans, or leave it out."),
            ) from None
    with translation.override(reader):
        return Question(_checked(text), language_of_question(text, otherwise=reader))


def _checked(text: str) -> str:
    # Lone surrogates too: JSON can carry them, UTF-8 can't.
    odd = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in _ALLOWED_CONTROLS), None)
    if odd is not None:
        raise bad_request(
            "control_characters",
            _("The question contains the control character U+%(code)04X.") % {"code": ord(odd)},
            _("Send plain text; only line breaks and tabs may stand between the words."),
        )
    text = text.strip()
    if not text:
        raise bad_request(
            "empty_question",
            _("The question is empty."),
            _("Type a question, for example: When should I use SSE?"),
        )
    if len(text) > MAX_QUESTION_CHARS:
        raise bad_request(
            "question_too_long",
            _("The question has %(count)d characters; at most %(most)d are read.")
            % {"count": len(text), "most": MAX_QUESTION_CHARS},
            _("Ask in fewer words."),
        )
    return text


def _fields(query: QueryDict) -> dict[str, str]:
    for name in ("q", "lang"):
        if len(query.getlist(name)) > 1:
            raise bad_request(
                "repeated_parameter",
                _("%(name)s was sent %(count)d times.") % {"name": name, "count": len(query.getlist(name))},
                _("Send it once."),
            )
    return query.dict()  # type: ignore[return-value]  # lists only where a value was a list


def _fields_of_body(request: HttpRequest) -> dict[str, str]:
    # Read here rather than by request.body, which checks only the length that the client claims.
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Refusal(
            413,
            "body_too_large",
            _("The request's body is larger than %(most)d bytes.") % {"most": MAX_BODY_BYTES},
            _("Ask in fewer words."),
        )
    if request.content_type == "application/json":
        return _fields_of_json(body)
    if request.content_type == "application/x-www-form-urlencoded":
        return _fields(QueryDict(body, encoding="utf-8"))
    raise Refusal(
        415,
        "unsupported_body",
        _("The body is of type %(type)s.") % {"type": repr(request.content_type)[:80]},
        _("Send application/x-www-form-urlencoded or application/json, with q and, if you like, lang."),
    )


def _fields_of_json(body: bytes) -> dict[str, str]:
    try:
        value = read_json(body)
    except BadJson:
        raise _malformed(_("The body is not JSON.")) from None
    if not isinstance(value, dict):
        raise _malformed(_("The body is JSON, but not an object."))
    fields = {name: value[name] for name in ("q", "lang") if value.get(name) is not None}
    if not all(isinstance(text, str) for text in fields.values()):
        raise _malformed(_("q and lang must be strings."))
    return fields


def _malformed(message: str) -> Refusal:
    return bad_request("malformed_request", message, _('Send {"q": "your question", "lang": "en"}.'))
