"""Facts for the airline policy from the public database: `--facts benchmarks.airline_facts:from_tau`.

It computes facts (age, cabin, what a change would change), never verdicts. Reservations and profiles start
from the database and follow what the recorded tools answered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from benchmarks import airline_talk as talk
from benchmarks import airline_trip as trip
from benchmarks.airline_case import Case, ServiceDesk

from handrail.records import Evidence, ToolCall

TALK: dict[str, trip.Fact] = {
    "confirmed": talk.agreed,
    "person.gave_id": talk.gave_id,
    "person.gave_reason": talk.gave_reason,
    "person.gave_passengers": talk.gave_passengers,
    "person.chose_payment": talk.chose_payment,
    "person.asked_for_compensation": talk.asked_for_compensation,
    "insurance.offered": talk.insurance_came_up,
}
TRIP: dict[str, trip.Fact] = {
    "reservation.cabin": trip.of_reservation("cabin"),
    "reservation.age": trip.age,
    "reservation.insured": trip.of_reservation("insurance"),
    "reservation.flown": trip.has_status("landed", "flying"),
    "reservation.cancelled_by_airline": trip.has_status("cancelled"),
    "reservation.passengers": trip.booked_passengers,
    "reservation.bags": trip.of_reservation("total_baggages"),
    "reason.covered": talk.covered_reason,
    "change.flights": trip.changes_flights,
    "change.cabin": trip.changes_cabin,
    "change.keeps_route": trip.keeps_route,
    "flights.open": trip.new_flights_open,
    "passengers.named": trip.passengers,
    "payment.in_profile": trip.pays_from_profile,
    "payment.certificates": trip.paying_with("certificate"),
    "payment.credit_cards": trip.paying_with("credit_card"),
    "payment.gift_cards": trip.paying_with("gift_card"),
    "payment.total": trip.paid,
    "booking.price": trip.price,
    "bags.chargeable": trip.chargeable_bags,
    "certificate.allowed": trip.may_have_certificate,
    "certificate.fits_cancelled": trip.certificate_for("cancelled", 100),
    "certificate.fits_delayed": trip.certificate_for("delayed", 50),
    "certificate.after_change": trip.changed_a_delayed_one,
}


def from_tau(record: Mapping[str, Any]) -> "AirlineFacts":
    """Return the facts of one recorded conversation; every record starts from the untouched database.

    A record of tau2-bench holds `reward_info`, and its text differs from tau-bench's in the free bags.
    """
    return AirlineFacts(is_tau2="reward_info" in record)


class AirlineFacts:
    """Answers a policy's facts about the call in question; a name it cannot tell is left out."""

    def __init__(self, *, is_tau2: bool = False) -> None:
        self._desk = ServiceDesk(is_tau2=is_tau2)
        self._facts = TRIP | TALK

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        """Return raw values for some of the declared facts."""
        if evidence.call is None:
            return {}
        case = Case(self._desk, evidence.call, evidence.messages, now)
        found = {name: self._facts[name](case) for name in names if name in self._facts}
        return {name: value for name, value in found.items() if value is not None}

    def observe(self, call: ToolCall, result: str) -> None:
        """Follow what a recorded tool answered."""
        self._desk.observe(call, result)

    def assume(self, call: ToolCall) -> None:
        """Take a change as made whose answer was not recorded."""
        self._desk.assume(call)

    def suppose_said(self) -> None:
        """Answer for a gold list: it lists calls only, so what had to be said before them was said."""
        self._facts = TRIP | dict.fromkeys(TALK, _was_said)


def _was_said(case: Case) -> object:
    return True
