"""What a topic may be called."""

import re

# Channels accepts every such name as a group name too, so a topic's hints need no name of their own.
TOPIC_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,98}")


class TopicNameError(ValueError):
    """A text that can't name a topic. The message says what arrived and what was expected."""

    def __init__(self, arrived: str) -> None:
        super().__init__(
            f"{arrived[:120]!r} is not a topic name: expected 1 to 99 of a-z, 0-9, '.', '_' and '-', "
            "beginning with a letter or digit"
        )


def check_topic_name(name: str) -> str:
    """Return `name` if it can name a topic.

    Raises:
        TopicNameError: it can't.
    """
    if not TOPIC_NAME.fullmatch(name):
        raise TopicNameError(name)
    return name
