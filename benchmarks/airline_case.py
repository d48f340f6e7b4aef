"""One recorded call at the airline's service desk, with the reservation and the profile it is about."""

import gzip
import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from benchmarks.report import data

from handrail.records import Message, Speaker, ToolCall

Json = dict[str, Any]

CHANGES = ("book_", "update_", "cancel_")
CHANGEABLE = ("cabin", "flights", "passengers", "total_baggages", "nonfree_baggages")
_RESERVATION_ID = re.compile(r"\b[A-Z0-9]{6}\b")


@cache
def table(name: str) -> Json:
    """Read one table of the start state."""
    content: Json = json.loads(
        gzip.decompress(data("tau", "tau1", f"airline_db_{name}.json.gz").read_bytes())
    )
    return content


class ServiceDesk:
    """Profiles and reservations of one conversation: the start state, then what the tools answered."""

    def __init__(self, *, is_tau2: bool = False) -> None:
        self.is_tau2 = is_tau2
        self._reservations: Json = {}
        self._users: Json = {}
        self._touched: set[str] = set()

    def observe(self, call: ToolCall, result: str) -> None:
        """Follow what a recorded tool answered: profiles and reservations as they are now."""
        try:
            answer, arguments = json.loads(result), json.loads(call.arguments)
        except ValueError:
            return
        if not isinstance(answer, dict) or not isinstance(arguments, dict):
            return
        if "reservation_id" in answer:
            self._reservations[answer["reservation_id"]] = answer
            if call.name not in ("get_reservation_details", "book_reservation"):
                self._touched.add(answer["reservation_id"])
        elif call.name == "get_user_details" and "payment_methods" in answer:
            self._users[arguments.get("user_id")] = answer

    def assume(self, call: ToolCall) -> None:
        """Take a change as made whose answer was not recorded."""
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            return
        before = self.reservation(arguments.get("reservation_id")) if isinstance(arguments, dict) else None
        if before is None or not call.name.startswith(CHANGES[1:]):
            return
        changed = {name: value for name, value in arguments.items() if name in CHANGEABLE}
        self._reservations[before["reservation_id"]] = {**before, **changed}
        self._touched.add(before["reservation_id"])

    def reservation(self, key: object) -> Json | None:
        """Return a reservation as it is now."""
        found = self._reservations.get(key) or table("reservations").get(key)
        return found if isinstance(found, dict) else None

    def user(self, key: object) -> Json | None:
        """Return a profile as it is now."""
        found = self._users.get(key) or table("users").get(key)
        return found if isinstance(found, dict) else None

    def was_changed(self, key: str) -> bool:
        """Tell whether this conversation has changed or cancelled a reservation."""
        return key in self._touched


class Case:
    """One call with what it is about."""

    def __init__(self, desk: ServiceDesk, call: ToolCall, messages: Sequence[Message], now: datetime) -> None:
        self.desk, self.call, self.messages, self.now = desk, call, messages, now

    @cached_property
    def arguments(self) -> Json:
        """The call's arguments, empty if they cannot be read."""
        try:
            read = json.loads(self.call.arguments)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @cached_property
    def reservation(self) -> Json | None:
        """The reservation that the call names."""
        return self.desk.reservation(self.arguments.get("reservation_id"))

    @cached_property
    def user(self) -> Json | None:
        """The profile that the call is about."""
        key = self.arguments.get("user_id") or (self.reservation or {}).get("user_id")
        return self.desk.user(key)

    @cached_property
    def named(self) -> list[Json]:
        """Reservations of this profile that the conversation has named, oldest mention first."""
        ids = [key for message in self.messages for key in _RESERVATION_ID.findall(message.text)]
        known = (self.desk.reservation(key) for key in dict.fromkeys(ids))
        owned = set((self.user or {}).get("reservations", ()))
        return [item for item in known if item is not None and item["reservation_id"] in owned]

    def said(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether the person's words match."""
        return any(pattern.search(m.text) for m in self.messages if m.speaker is Speaker.USER)

    def came_up(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether words of the person or the assistant match."""
        return any(
            pattern.search(m.text) for m in self.messages if m.speaker in (Speaker.USER, Speaker.ASSISTANT)
        )

    def answered(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether the person spoke after words of the assistant that match."""
        is_asked = False
        for message in self.messages:
            if message.speaker is Speaker.ASSISTANT:
                is_asked = is_asked or bool(pattern.search(message.text))
            elif is_asked and message.speaker is Speaker.USER:
                return True
        return False
