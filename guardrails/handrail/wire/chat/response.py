"""A chat response: its drafts for the guard, what may be released of it, and a hand-off in its shape."""

from collections.abc import Sequence
from dataclasses import dataclass

from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind, Handoff
from handrail.text.values import Leaf, Path
from handrail.wire.chat.calls import (
    are_calls_readable,
    read_tool_calls,
    with_fixed_names,
    without_arguments,
    write_tool_calls,
)
from handrail.wire.chat.request import read_request
from handrail.wire.chat.table import ANSWER
from handrail.wire.foreign_json import Json, kind_of, mapping_of, objects_of, text_of, whole_of
from handrail.wire.handoff import handoff_body
from handrail.wire.logprobs import clip, read_logprobs, token_words, without_tokens
from handrail.wire.objects import changed
from handrail.wire.structure import Words, structure_of
from handrail.wire.words import AnswerWords

# Fields of a message that is its text, if it is the assistant's.
_PLAIN = frozenset({"role", "content", "refusal"})
_CHOICES = frozenset({"choices"})
_HANDLED = frozenset({"message", "logprobs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """One choice as it was read."""

    said: AnswerWords
    draft: Draft


def read_response(body: Json, *, sent: Json | None = None) -> tuple[Draft, ...]:
    """Read a chat response, one draft per choice. What cannot be read is `unreadable`, and a fault."""
    choices = body.get("choices")
    if isinstance(choices, list) and len(choices) == 1 and ANSWER.is_plain(body, without=_CHOICES):
        draft = _plain_draft(choices[0], body)
        if draft is not None:
            return (draft,)
    read = _read(body)
    return tuple(choice.draft for choice in read) if read is not None else (_no_answer(body),)


def _plain_draft(choice: object, body: Json) -> Draft | None:
    """Return the draft of the most usual answer, a text and nothing beside it; None for any other."""
    if not isinstance(choice, dict) or not ANSWER.is_plain(choice, "choices[]", _HANDLED):
        return None
    message = choice.get("message")
    if choice.get("logprobs") is not None or not isinstance(message, dict) or not message.keys() <= _PLAIN:
        return None
    content = message.get("content")
    if not isinstance(content, str) or message.get("refusal") or message.get("role") != "assistant":
        return None
    end = text_of(choice.get("finish_reason")) or None
    return Draft(text=content, finish_reason=end, model=_model(body))


def _no_answer(body: Json) -> Draft:
    return Draft(fault=FaultKind.UNREADABLE, unreadable=("answer",), model=_model(body))


def _model(body: Json) -> str | None:
    return text_of(body.get("model")) or None


def _read(body: Json) -> list[_Choice] | None:
    choices = body.get("choices")
    if not isinstance(choices, list) or not 0 < len(objects_of(choices)) == len(choices):
        return None
    model = _model(body)
    beside = Words()
    if not ANSWER.is_plain(body, without=_CHOICES):
        beside = ANSWER.judged({name: value for name, value in body.items() if name != "choices"})
    return [
        _read_choice(choice, index, model, beside if index == 0 else Words())
        for index, choice in enumerate(choices)
    ]


def _read_choice(choice: Json, index: int, model: str | None, beside: Words) -> _Choice:
    message = choice.get("message")
    if not isinstance(message, dict):
        draft = Draft(fault=FaultKind.UNREADABLE, unreadable=("message",), model=model)
        return _Choice(said=AnswerWords(), draft=draft)
    at: Path = ("choices", index)
    texts, refusals, words = _in_message(message, (*at, "message"))
    if not ANSWER.is_plain(choice, "choices[]", without=_HANDLED):
        others = {name: value for name, value in choice.items() if name not in _HANDLED}
        words.add(ANSWER.judged(others, "choices[]", at))
    logprobs = choice.get("logprobs")
    if logprobs is not None:
        text, refusal = ("".join(leaf.text for leaf in leaves) for leaves in (texts, refusals))
        words.add(_in_logprobs(logprobs, text, refusal, (*at, "logprobs")))
    words.add(beside)
    said = AnswerWords(
        texts=tuple(texts),
        refusals=tuple(refusals),
        beside=tuple(words.leaves),
        unreadable=tuple(sorted(words.unreadable)),
    )
    draft = said.draft(
        tool_calls=read_tool_calls(message),
        finish_reason=text_of(choice.get("finish_reason")) or None,
        logprobs=read_logprobs(logprobs.get("content")) if isinstance(logprobs, dict) else None,
        model=model,
        fault=FaultKind.UNREADABLE if said.unreadable else None,
    )
    return _Choice(said=said, draft=draft)


def _in_message(message: Json, at: Path) -> tuple[list[Leaf], list[Leaf], Words]:
    """Return the texts, the refusals and all other words of a message."""
    texts, refusals, words = Words(), Words(), Words()
    content = message.get("content")
    if isinstance(content, str):
        texts.say((*at, "content"), content)
    elif isinstance(content, list):
        for index, part in enumerate(content):
            _take_part(texts, words, part, (*at, "content", index))
    elif content is not None:
        words.unreadable.add("content")
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        refusals.say((*at, "refusal"), refusal)
    is_plain = message.keys() <= _PLAIN and message.get("role") == "assistant"
    if is_plain and (not refusal or refusals.leaves):
        return texts.leaves, refusals.leaves, words
    rest = {name: value for name, value in message.items() if name != "content"}
    if refusals.leaves:
        del rest["refusal"]
    if mapping_of(rest.get("audio")).get("data"):
        words.unreadable.add("audio")
        rest["audio"] = {name: part for name, part in mapping_of(rest["audio"]).items() if name != "data"}
    if are_calls_readable(rest):
        rest = without_arguments(rest)
    else:
        words.unreadable.add("tool_call")
    found = ANSWER.judged(rest, "choices[].message", at)
    words.leaves += with_fixed_names(found.leaves)
    words.unreadable |= found.unreadable
    return texts.leaves, refusals.leaves, words


def _take_part(texts: Words, words: Words, part: object, at: Path) -> None:
    fields = mapping_of(part)
    if isinstance(part, str):
        texts.say(at, part)
    elif part is None or (fields.get("type") == "text" and fields.get("text") is None):
        # No text, or none yet; what may stand beside it is judged.
        words.add(ANSWER.judged(part, "choices[].message.content[]", at))
    elif fields.get("type") == "text" and isinstance(fields["text"], str):
        texts.say((*at, "text"), text_of(fields["text"]))
        rest = {name: value for name, value in fields.items() if name != "text"}
        words.add(ANSWER.judged(rest, "choices[].message.content[]", at))
    else:
        words.unreadable.add(kind_of(fields.get("type")))


def _in_logprobs(logprobs: object, text: str, refusal: str, at: Path) -> Words:
    words = Words()
    if not isinstance(logprobs, dict):
        words.unreadable.add("logprobs")
        return words
    for name, said in (("content", text), ("refusal", refusal)):
        words.add(token_words(logprobs.get(name), said, ANSWER, f"choices[].logprobs.{name}[]", (*at, name)))
    rest = {name: value for name, value in logprobs.items() if name not in ("content", "refusal")}
    if rest:
        words.add(ANSWER.judged(rest, "choices[].logprobs", at))
    return words


def says_more(logprobs: object, text: str) -> bool:
    """True when log-probabilities say anything that the text does not, such as what else might have stood."""
    words = _in_logprobs(logprobs, text, "", ())
    return bool(words.leaves or words.unreadable)


def write_drafts(
    body: Json, drafts: Sequence[Draft], *, keep_logprobs: bool = True, sent: Json | None = None
) -> Json:
    """Return the response that may be released; the same object if nothing in it changes."""
    read = _read(body) or []
    if len(drafts) != len(read):
        raise CheckFailed("wire", why="as many drafts as choices are needed")
    changes = [
        choice.said.changes(choice.draft, draft) if _told(draft) != _told(choice.draft) else {}
        for choice, draft in zip(read, drafts, strict=True)
    ]
    # Tokens say what the text says; they are kept or left out, never rewritten.
    in_tokens = [any("logprobs" in path for path in change) for change in changes]
    places = {path: text for change in changes for path, text in change.items() if "logprobs" not in path}
    new: Json = changed(body, places)
    written = [
        _write_choice(choice, draft, one.draft, keep=keep_logprobs, says_more=says_more)
        for choice, draft, one, says_more in zip(
            objects_of(new.get("choices")), drafts, read, in_tokens, strict=True
        )
    ]
    if all(after is before for after, before in zip(written, objects_of(new.get("choices")), strict=True)):
        return new
    return {**new, "choices": written}


def _told(draft: Draft) -> tuple[object, ...]:
    return (draft.text, draft.refusal, draft.asides)


def _write_choice(choice: Json, draft: Draft, original: Draft, *, keep: bool, says_more: bool) -> Json:
    message = mapping_of(choice.get("message"))
    new = message
    if draft.tool_calls != original.tool_calls:
        new = write_tool_calls(new, draft.tool_calls)
    if draft.text != original.text and new.get("annotations"):
        # They point into the text by position, and their titles may say what was withheld.
        new = {**new, "annotations": []}
    if new is not message:
        choice = {**choice, "message": new}
    if not mapping_of(choice.get("logprobs")):
        return choice
    if not keep:
        return {name: value for name, value in choice.items() if name != "logprobs"}
    if says_more or draft.refusal != original.refusal:
        return {**choice, "logprobs": None}
    if draft.text != original.text:
        kept = clip(original.logprobs or (), original.text, draft.text)
        return {**choice, "logprobs": without_tokens(choice["logprobs"], kept)}
    return choice


def write_handoff(
    request: Json, handoff: Handoff | None, notice: str, *, created: int, upstream: Json | None = None
) -> Json:
    """Return a chat response that hands off, with as many choices as were asked for."""
    asked, upstream = read_request(request), structure_of(ANSWER, upstream)
    message: Json = {"role": "assistant", "content": notice, "refusal": None}
    if asked.is_structured:
        message = {"role": "assistant", "content": None, "refusal": notice}
    reference = handoff.ticket if handoff else "blocked"
    body: Json = {
        "id": f"chatcmpl-handrail-{reference}",
        "object": "chat.completion",
        "created": whole_of(upstream.get("created"), created),
        "model": text_of(upstream.get("model")) or asked.model or "",
        "choices": [
            {"index": index, "message": dict(message), "logprobs": None, "finish_reason": "stop"}
            for index in range(asked.n)
        ],
    }
    if not asked.stream or mapping_of(request.get("stream_options")).get("include_usage") is True:
        usage = mapping_of(upstream.get("usage"))
        body["usage"] = usage or {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    if handoff is not None:
        body["handoff"] = handoff_body(handoff)
    return body
