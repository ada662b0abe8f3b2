"""A function's answer, held back: what a race needs to happen the way that it seldom does."""

import threading

import pytest

A_LONG_TIME_S = 60.0


class Gate:
    """Holds back the answer of a function that runs in a thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.has_answer, self._may_go = threading.Event(), threading.Event()
        function = getattr(owner, name)

        def held(*args):
            answer = function(*args)
            self.has_answer.set()
            self._may_go.wait(A_LONG_TIME_S)
            return answer

        monkeypatch.setattr(owner, name, held)

    def open(self) -> None:
        self._may_go.set()
