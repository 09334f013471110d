"""Conversations that a test watches or changes."""

from collections.abc import Callable
from typing import Any

from s2mock.runtime.conversation import Conversation, Step


def relayed(
    conversation: Conversation,
    said: Callable[[Step], Step] = lambda step: step,
    told: Callable[[Step, Any], object] = lambda _, answer: answer,
) -> Conversation:
    """Return the same conversation.

    `said` receives each step and may change it, `told` receives its result.
    """
    answer: Any = None
    failure: Exception | None = None
    try:
        while True:
            try:
                step = conversation.send(answer) if failure is None else conversation.throw(failure)
            except StopIteration:
                return
            answer = failure = None
            try:
                answer = yield said(step)
                told(step, answer)
            except Exception as error:  # noqa: BLE001  # it is the conversation's
                failure = error
    finally:
        conversation.close()
