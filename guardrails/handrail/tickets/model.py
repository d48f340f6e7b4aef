"""The model that every part of a ticket is made of."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, field_validator

from handrail.text.normalise import writable

# Fields that nothing ever filled. Stored tickets may still hold them; they are read over.
_RETIRED = frozenset({"consent_export", "labels", "locale", "response_schema", "reversible"})


def without_retired(raw: object) -> object:
    """Return raw fields without those that nothing ever filled."""
    if isinstance(raw, dict) and not _RETIRED.isdisjoint(raw):
        return {name: value for name, value in raw.items() if name not in _RETIRED}
    return raw


class TicketModel(BaseModel):
    """Settings shared by every part of a ticket: frozen, and no room for a field that is not known.

    Validators are built when the first ticket is read or written; a call that passes needs none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _in_whole_characters(cls, value: object) -> object:
        """A ticket is kept whatever a model wrote, half a character too."""
        return _written(value)


def _written(value: object) -> object:
    if isinstance(value, str):
        return writable(value) if type(value) is str else value
    if isinstance(value, tuple | list):
        return [_written(one) for one in value]
    if isinstance(value, Mapping):
        return {_written(name): _written(one) for name, one in value.items()}
    return value
