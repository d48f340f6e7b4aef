"""Fields of a request that are neither settings nor messages: read as documents, so that none slips by."""

from collections.abc import Sequence, Set

from handrail.records import Message, Speaker
from handrail.wire.shapes import Json, kind_of
from handrail.wire.slots import Slot, rewritten, unknown_slots


def read_documents(body: Json, settings: Set[str]) -> list[Message]:
    """Return one message (speaker `tool`) for each field that is no setting and holds text."""
    return [
        Message(speaker=Speaker.TOOL, name=_name(slot), text=slot.read(body))
        for slot in unknown_slots(body, settings)
    ]


def split_documents(
    body: Json, messages: Sequence[Message], settings: Set[str]
) -> tuple[list[Message], list[Message]]:
    """Part the documents of a request from its other messages."""
    names = [_name(slot) for slot in unknown_slots(body, settings)]
    documents: list[Message] = []
    others: list[Message] = []
    for message in messages:
        is_document = message.speaker is Speaker.TOOL and message.tool_call_id is None
        if is_document and len(documents) < len(names) and message.name == names[len(documents)]:
            documents.append(message)
        else:
            others.append(message)
    return documents, others


def write_documents(
    body: Json, documents: Sequence[Message], given: Sequence[Message], settings: Set[str]
) -> None:
    """Put changed documents back into their fields, in place; one that is not given any more is removed."""
    for slot, document in zip(unknown_slots(body, settings), documents, strict=True):
        if document in given:
            continue
        changed = next((message for message in given if message.name == document.name), None)
        name = str(slot.path[0])
        if changed is None:
            del body[name]
        else:
            body.update(rewritten({name: body[name]}, [slot], changed.text))


def _name(slot: Slot) -> str:
    return kind_of(slot.path[0])
