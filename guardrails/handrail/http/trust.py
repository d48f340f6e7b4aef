"""What a request holds that nothing here reads, and what of it the program trusts."""

from collections.abc import Sequence
from dataclasses import replace

from handrail.http.endpoints import is_known_query
from handrail.records import Message, Speaker


def screened_messages(
    messages: tuple[Message, ...], query: str, trusted: Sequence[str]
) -> tuple[Message, ...]:
    """Return the messages to screen: the request's own, and one for a query that says more than a version.

    Args:
        messages: the request's own.
        query: of its address.
        trusted: kinds of content that may go upstream although nothing reads them.
    """
    if not is_known_query(query):
        messages += (Message(speaker=Speaker.USER, unreadable=("query",)),)
    return tuple(_trusting(message, trusted) for message in messages) if trusted else messages


def _trusting(message: Message, trusted: Sequence[str]) -> Message:
    unreadable = tuple(kind for kind in message.unreadable if kind not in trusted)
    return message if unreadable == message.unreadable else replace(message, unreadable=unreadable)
