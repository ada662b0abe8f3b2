"""The words that the pages' scripts show; they reach them as JSON in the page, translated."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Texts = dict[str, Promise]

# The five states of a connection, see client.js.
STATE_TEXTS: Texts = {
    "connecting": _("Connecting …"),
    "live": _("Live"),
    "waiting": _("Cut off; next try in {seconds} s"),
    "closed": _("Not connected"),
    "refused": _("Refused: {reason}"),
}

LIVE_TEXTS: Texts = {
    "info": _("Info"),
    "success": _("Success"),
    "warning": _("Warning"),
    "critical": _("Critical"),
    "posted": _("New notification, {level}: {title}"),
    "edited": _("Edited: {title}"),
    "recalled": _("Recalled: {title}"),
    "hangUp": _("Hang up"),
    "connect": _("Connect again"),
}

CHAT_TEXTS: Texts = {
    **STATE_TEXTS,
    "waiting": _("Cut off; attempt {attempt}/{most} in {seconds} s"),
    "closed": _("Gave up after {most} attempts"),
    "tooLong": _("That is {count} characters long; {most} fit into one line."),
    "you": _("You"),
    "hereOne": _("You are alone here"),
    "hereMany": _("{count} people here"),
    "typingOne": _("{name} is typing …"),
    "typingMany": _("{count} people are typing …"),
    "joined": _("{name} came in"),
    "left": _("{name} left"),
    "named": _("{was} is now called {name}"),
    "logConnecting": _("Connecting …"),
    "logOpen": _("Connected. The attempt counter is back to 0."),
    "logCut": _("The connection was lost. Attempt {attempt}/{most} in {seconds} s."),
    "logAttempt": _("Attempt {attempt}/{most} …"),
    "logGaveUp": _("Gave up after {most} attempts. Check your network, then connect by hand."),
    "logReset": _("The room's log was cut off at our place; shown from its newest lines."),
    "notSent": _("Not connected: nothing was sent, your text is kept."),
    "unsure": _("The connection broke before the room confirmed your line. It is sent again as soon as there is one."),
}

TYPEWRITER_TEXTS: Texts = {
    "asking": _("Asking …"),
    "answering": _("Answering …"),
    "done": _("Done: {pieces} pieces in {seconds} s"),
    "stopped": _("Stopped after {pieces} pieces"),
    "failed": _("No answer: {reason}"),
    "unreachable": _("the server can't be reached"),
    "cut": _("the connection was lost on the way"),
    "empty": _("Ask something first."),
    "tooLongForAddress": _("This question is too long for an address, where SSE has to put it. Ask by fetch stream."),
    "alsoWorthReading": _("(worth reading too)"),
}

ARTICLE_TEXTS: Texts = {
    "start": _("Start"),
    "stop": _("Stop"),
    "asking": _("asked, waiting …"),
    "over": _("The server has ended the stream."),
    "cut": _("The connection was lost."),
    "failed": _("It failed: {reason}"),
}
