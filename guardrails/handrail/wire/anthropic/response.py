"""A messages response: its draft for the guard, what may be released of it, and a hand-off in its shape."""

from collections.abc import Sequence
from dataclasses import dataclass

from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind, Handoff
from handrail.wire.anthropic.blocks import Blocks, calls_of, with_calls
from handrail.wire.anthropic.request import read_request
from handrail.wire.anthropic.table import ANSWER
from handrail.wire.foreign_json import Json, mapping_of, objects_of, text_of
from handrail.wire.handoff import handoff_body
from handrail.wire.objects import changed
from handrail.wire.structure import structure_of
from handrail.wire.words import AnswerWords, Changes

_CONTENT = frozenset({"content"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A response as it was read."""

    said: AnswerWords
    draft: Draft


def read_response(body: Json, *, sent: Json | None = None) -> tuple[Draft, ...]:
    """Read a response: one draft. What cannot be read is `unreadable`, and a fault."""
    return (_read(body).draft,)


def _read(body: Json) -> _Read:
    content = body.get("content")
    model = text_of(body.get("model")) or None
    if not isinstance(content, list):
        draft = Draft(fault=FaultKind.UNREADABLE, unreadable=("answer",), model=model)
        return _Read(said=AnswerWords(), draft=draft)
    blocks = Blocks(ANSWER, "content[]")
    blocks.take_content(content, ("content",))
    if not ANSWER.is_plain(body, without=_CONTENT):
        others = {name: value for name, value in body.items() if name != "content"}
        blocks.beside.add(ANSWER.judged(others))
    said = AnswerWords(
        texts=tuple(blocks.texts.leaves),
        beside=tuple(blocks.beside.leaves),
        unreadable=tuple(sorted(blocks.beside.unreadable)),
    )
    draft = said.draft(
        tool_calls=calls_of(content),
        finish_reason=text_of(body.get("stop_reason")) or None,
        model=model,
        fault=FaultKind.UNREADABLE if said.unreadable else None,
    )
    return _Read(said=said, draft=draft)


def write_drafts(
    body: Json, drafts: Sequence[Draft], *, keep_logprobs: bool = True, sent: Json | None = None
) -> Json:
    """Return the response that may be released; the same object if nothing in it changes."""
    if len(drafts) != 1:
        raise CheckFailed("wire", why="a response has exactly one draft")
    draft, known = drafts[0], _read(body)
    original = known.draft
    told = (draft.text, draft.asides[: len(original.asides)])
    changes = known.said.changes(original, draft) if told != (original.text, original.asides) else {}
    new: Json = changed(body, changes)
    if draft.text != original.text:
        new = {**new, "content": [_without_quotes(block, changes, index) for index, block in _blocks(new)]}
    if draft.tool_calls != original.tool_calls:
        new = {**new, "content": with_calls(objects_of(new.get("content")), draft.tool_calls)}
    return new


def _blocks(body: Json) -> list[tuple[int, Json]]:
    return list(enumerate(objects_of(body.get("content"))))


def _without_quotes(block: Json, changes: Changes, index: int) -> Json:
    # They quote what may have been withheld.
    is_changed = ("content", index, "text") in changes
    return {**block, "citations": None} if is_changed and block.get("citations") else block


def write_handoff(
    request: Json, handoff: Handoff | None, notice: str, *, created: int, upstream: Json | None = None
) -> Json:
    """Return a response that hands off; this shape has no place for `created`."""
    asked, upstream = read_request(request), structure_of(ANSWER, upstream)
    reference = handoff.ticket if handoff else "blocked"
    body: Json = {
        "id": text_of(upstream.get("id")) or f"msg_handrail_{reference}",
        "type": "message",
        "role": "assistant",
        "model": text_of(upstream.get("model")) or asked.model or "",
        "content": [{"type": "text", "text": notice, "citations": None}],
        "stop_reason": "refusal" if asked.is_structured else "end_turn",
        "stop_sequence": None,
        "usage": mapping_of(upstream.get("usage")) or {"input_tokens": 0, "output_tokens": 0},
    }
    if handoff is not None:
        body["handoff"] = handoff_body(handoff)
    return body
