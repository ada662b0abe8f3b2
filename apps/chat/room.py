"""The room and its limits."""

TOPIC = "chat.lobby"  # its lines, in the log
LINE = "chat.line"  # the type of an event that is a line; data {"sender", "name", "text"}

LINE_CHARS = 2_000
NAME_CHARS = 40
# A frame holds one line (12 characters each at most, as JSON escapes a character outside the Basic Multilingual Plane)
# and a little around it. What is longer is refused before anybody parses it.
FRAME_CHARS = 32_768

HISTORY_LINES = 50  # shown to who comes without a cursor
TYPING_S = 5.0  # how long "… is typing" stands after the last word of it
