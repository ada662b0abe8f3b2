"""The guide to the five transports: Markdown in, sections out. The guide page renders it, the assistant quotes it."""

from apps.assistant.guide.reader import GUIDE_PATH, Guide, Section, guide, sections

__all__ = ["GUIDE_PATH", "Guide", "Section", "guide", "sections"]
