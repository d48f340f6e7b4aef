"""A model's response as a draft that the guard judges, and the response that may be released."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai.messages import ModelResponse

from handrail.confidence.scorers import verbalised
from handrail.records import Draft
from handrail.text.values import Leaf, Path, read
from handrail.wire.foreign_json import mapping_of
from handrail.wire.logprobs import read_logprobs
from handrail.wire.objects import Said, changed, fixed_spans, runs_of, spans_of
from handrail_adapters.pydantic_ai.messages import call_of, said_beside, said_of_parts, with_calls


@dataclass(frozen=True, slots=True)
class ReadResponse:
    """A response taken apart. A call of an output tool (`answers`) is the answer itself.

    Args:
        response: as it came.
        texts: the paths of the answer's texts.
        leaves: of the parts, those that are asides of the draft.
        beside: what the response holds beside its parts.
        draft: for the guard.
    """

    response: ModelResponse
    texts: tuple[Path, ...]
    leaves: tuple[Leaf, ...]
    beside: Said
    draft: Draft


def read_response(
    response: ModelResponse, answers: frozenset[str], trusted: Sequence[str] = ()
) -> ReadResponse:
    """Read a response."""
    parts = list(response.parts)
    texts = [_text_path(index, part, answers) for index, part in enumerate(parts)]
    paths = tuple(path for path in texts if path is not None)
    said = said_of_parts(parts, trusted)
    of_answers = _arguments_in(parts, [path for path in paths if path[1] == "args"])
    pieces = [_text_at(parts, path) for path in paths]
    text = "\n".join(filter(None, pieces))
    is_plain = len(paths) == 1 and [paths[0]] == [leaf.path for leaf in said.leaves if leaf.path[:2] in paths]
    leaves = tuple(leaf for leaf in (*said.leaves, *of_answers) if not (is_plain and leaf.path in paths))
    beside = said_beside(response, text)
    asides = [leaf.text for leaf in (*leaves, *beside.leaves)]
    spans = spans_of(asides, at=len(text) + 1)
    count = len(leaves)
    calls = [part for part in parts if _is_call(part, but=answers)]
    draft = Draft(
        text=text,
        asides=tuple(asides),
        tool_calls=tuple(map(call_of, calls)),
        finish_reason=response.finish_reason,
        logprobs=read_logprobs(mapping_of(response.provider_details).get("logprobs")),
        model=response.model_name,
        unreadable=(*said.unreadable, *beside.unreadable),
        fixed=(*fixed_spans(leaves, spans[:count]), *fixed_spans(beside.leaves, spans[count:])),
        runs=(*runs_of(leaves, spans[:count]), *runs_of(beside.leaves, spans[count:])),
    )
    return ReadResponse(response, paths, leaves, beside, draft)


def _arguments_in(parts: list[Any], paths: Sequence[Path]) -> list[Leaf]:
    return [leaf for leaf in read(parts).leaves if leaf.path[:2] in paths] if paths else []


def _is_call(part: Any, *, but: frozenset[str] = frozenset()) -> bool:
    return getattr(part, "part_kind", "") == "tool-call" and part.tool_name not in but


def _text_path(index: int, part: Any, answers: frozenset[str]) -> Path | None:
    if getattr(part, "part_kind", "") == "text":
        return (index, "content")
    return (index, "args") if _is_call(part) and part.tool_name in answers else None


def _text_at(parts: list[Any], path: Path) -> str:
    part = parts[int(str(path[0]))]
    return part.content if path[1] == "content" else call_of(part).arguments


def write_response(was: ReadResponse, draft: Draft, *, asks_itself: bool = False) -> ModelResponse:
    """Return the response that may be released; the same object if nothing in it changes.

    Args:
        was: as it was read.
        draft: what may be released.
        asks_itself: the model was told to end with the number of a self-check, which is taken away.
    """
    before, response = was.draft, was.response
    if (draft.text, draft.asides, draft.tool_calls) == (before.text, before.asides, before.tool_calls):
        return response
    asides = list(zip((*was.leaves, *was.beside.leaves), draft.asides, strict=True))
    of_parts, of_beside = asides[: len(was.leaves)], asides[len(was.leaves) :]
    parts: list[Any] = changed(
        list(response.parts), {leaf.path: text for leaf, text in of_parts if text != leaf.text}
    )
    if draft.text != before.text:
        parts = _with_text(parts, was, draft.text, asks_itself=asks_itself)
    if draft.tool_calls != before.tool_calls:
        kept = [part for part in parts if (parts.index(part), "args") in was.texts]
        parts = with_calls(parts, [*draft.tool_calls, *map(call_of, kept)])
    new = changed(response, {leaf.path: text for leaf, text in of_beside if text != leaf.text})
    details = new.provider_details
    if details and "logprobs" in details and (draft.text != before.text or parts != list(response.parts)):
        details = {name: value for name, value in details.items() if name != "logprobs"}
    return replace(new, parts=parts, provider_details=details)


def _with_text(parts: list[Any], was: ReadResponse, text: str, *, asks_itself: bool) -> list[Any]:
    """Return parts with the answer's text; where it lies in several, each is masked already."""
    new = list(parts)
    for path in was.texts:
        index = int(str(path[0]))
        if path[1] == "content" and len(was.texts) == 1 and new[index] == was.response.parts[index]:
            new[index] = replace(new[index], content=text)
        elif path[1] == "content" and asks_itself:
            new[index] = replace(new[index], content=verbalised.strip(new[index].content)[0])
    return new
