"""The model that every part of a ticket is made of."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

from handrail.text.normalise import writable


class TicketModel(BaseModel):
    """Settings shared by every part of a ticket: frozen, and no room for a field that is not known.

    Validators are built when the first ticket is read or written; a call that passes needs none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    RETIRED: ClassVar[frozenset[str]] = frozenset()
    """Fields that nothing ever filled. Stored tickets may still hold them; they are read over."""

    @model_validator(mode="before")
    @classmethod
    def _in_whole_characters(cls, raw: object, info: ValidationInfo) -> object:
        """A ticket is kept whatever a model wrote, half a character too.

        JSON that can be read holds whole characters: what is stored is not gone through text by text again.
        """
        # What is read from JSON is a dict, which is told at once.
        if not isinstance(raw, (dict, Mapping)):
            return raw
        if not cls.RETIRED.isdisjoint(raw):
            raw = {name: value for name, value in raw.items() if name not in cls.RETIRED}
        if info.mode == "json":
            return raw
        return {name: _written(value) for name, value in raw.items()}


def _written(value: object) -> object:
    if type(value) is str:
        return writable(value)
    if isinstance(value, (tuple, list)):
        return [_written(one) for one in value]
    if isinstance(value, Mapping):
        return {_written(name): _written(one) for name, one in value.items()}
    return value
