"""Reads the texts that test a policy's own words and entities, each with its place in the file."""

from collections.abc import Iterator

from handrail.policy.file.build import PolicyBuilder
from handrail.policy.file.document import Path
from handrail.policy.file.schema import EntityShape, SignalShape
from handrail.policy.runtime.policy import TextCase


def build_text_cases(builder: PolicyBuilder) -> Iterator[TextCase]:
    """Yield the texts under `match:` and `not_match:` of every signal, topic and entity."""
    for name, signal in builder.shape.signals.items():
        yield from _texts(builder, signal, name, ("signals", name))
    for index, entity in enumerate(builder.shape.scan.entities):
        yield from _texts(builder, entity, entity.type, ("scan", "entities", index))


def _texts(
    builder: PolicyBuilder, shape: SignalShape | EntityShape, name: str, path: Path
) -> Iterator[TextCase]:
    for key, texts in (("match", shape.match), ("not_match", shape.not_match)):
        for index, text in enumerate(texts):
            position = builder.document.position((*path, key, index))
            yield TextCase(
                of="signal" if isinstance(shape, SignalShape) else "entity",
                name=name,
                text=text,
                is_match=key == "match",
                number=index + 1,
                file=builder.document.file,
                line=position.line,
                column=position.column,
            )
