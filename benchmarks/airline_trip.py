"""Facts about a call to the booking system: the trip, its price, its passengers, its compensation."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise

from benchmarks.airline_case import Case, Json, table

Fact = Callable[[Case], object]

AIRLINE_TIME = timezone(timedelta(hours=-5))
FREE_BAGS = {
    "regular": {"basic_economy": 0, "economy": 1, "business": 2},
    "silver": {"basic_economy": 1, "economy": 2, "business": 3},
    "gold": {"basic_economy": 2, "economy": 3, "business": 3},
}
FREE_BAGS_TAU2 = {**FREE_BAGS, "gold": {**FREE_BAGS["gold"], "business": 4}}
"""The later text of the policy gives gold members in business one bag more."""
BAG, INSURANCE = 50, 30


def status(flight: Json) -> str | None:
    """Return the state of a flight on its date, None if the database does not know it."""
    known = table("flights").get(flight.get("flight_number"), {}).get("dates", {}).get(flight.get("date"))
    return known["status"] if known else None


def statuses(reservation: Json | None) -> set[str | None] | None:
    """Return the states of a reservation's flights."""
    return {status(flight) for flight in reservation["flights"]} if reservation else None


def has_status(*wanted: str) -> Fact:
    """Make a fact: is some flight of the reservation in one of these states?"""

    def fact(case: Case) -> object:
        found = statuses(case.reservation)
        if found is None or not found & set(wanted):
            return None if found is None or None in found else False
        return True

    return fact


def of_reservation(field: str) -> Fact:
    """Make a fact: a field of the reservation."""
    return lambda case: case.reservation.get(field) if case.reservation else None


def age(case: Case) -> object:
    """How long ago the reservation was made."""
    if case.reservation is None:
        return None
    return case.now - datetime.fromisoformat(case.reservation["created_at"]).replace(tzinfo=AIRLINE_TIME)


def segments(flights: Sequence[Json]) -> list[tuple[str, str]]:
    """Return number and date of each flight, which is what identifies it."""
    return [(str(flight.get("flight_number")), str(flight.get("date"))) for flight in flights]


def changes_flights(case: Case) -> object:
    """Would the call fly other flights than are booked?"""
    flights = case.arguments.get("flights")
    if case.reservation is None or not isinstance(flights, list):
        return None
    return segments(flights) != segments(case.reservation["flights"])


def changes_cabin(case: Case) -> object:
    """Would the call change the cabin?"""
    if case.reservation is None or "cabin" not in case.arguments:
        return None
    return bool(case.arguments["cabin"] != case.reservation["cabin"])


def keeps_route(case: Case) -> object:
    """Do the flights of the call still go from the booked origin to the destination, and back if booked?"""
    flights = case.arguments.get("flights")
    if case.reservation is None or not isinstance(flights, list) or not flights:
        return None
    legs = [table("flights").get(flight.get("flight_number")) for flight in flights]
    if any(leg is None for leg in legs):
        return None
    start, end = case.reservation["origin"], case.reservation["destination"]
    is_chain = all(one["destination"] == two["origin"] for one, two in pairwise(legs))
    if case.reservation["flight_type"] == "one_way":
        return bool(is_chain and legs[0]["origin"] == start and legs[-1]["destination"] == end)
    reaches = any(leg["destination"] == end for leg in legs)
    return bool(is_chain and legs[0]["origin"] == start and legs[-1]["destination"] == start and reaches)


def new_flights_open(case: Case) -> object:
    """Is every flight that the call newly books available on its date?"""
    flights = case.arguments.get("flights")
    if not isinstance(flights, list):
        return None
    kept = set(segments(case.reservation["flights"])) if case.reservation else set()
    fresh = [flight for flight in flights if segments([flight])[0] not in kept]
    states = {status(flight) for flight in fresh}
    return None if None in states else states <= {"available"}


def payments(case: Case) -> list[str] | None:
    """Return the payment ids that the call names."""
    if "payment_id" in case.arguments:
        return [str(case.arguments["payment_id"])]
    methods = case.arguments.get("payment_methods")
    if not isinstance(methods, list):
        return None
    return [str(method.get("payment_id")) for method in methods if isinstance(method, dict)]


def pays_from_profile(case: Case) -> object:
    """Are all payment methods of the call in the profile?"""
    ids = payments(case)
    if ids is None or case.user is None:
        return None
    return set(ids) <= set(case.user["payment_methods"])


def paying_with(kind: str) -> Fact:
    """Make a fact: how many payment methods of a kind the call uses."""

    def fact(case: Case) -> object:
        ids = payments(case)
        return None if ids is None else sum(key.startswith(kind) for key in ids)

    return fact


def passengers(case: Case) -> object:
    """How many passengers the call names."""
    named = case.arguments.get("passengers")
    return len(named) if isinstance(named, list) else None


def booked_passengers(case: Case) -> object:
    """How many passengers the reservation has."""
    return len(case.reservation["passengers"]) if case.reservation else None


def chargeable_bags(case: Case) -> object:
    """How many of the call's bags are beyond the free allowance of membership and cabin."""
    total, user = case.arguments.get("total_baggages"), case.user
    cabin = case.arguments.get("cabin") or (case.reservation or {}).get("cabin")
    count = passengers(case) or booked_passengers(case)
    if not isinstance(total, int) or user is None or cabin is None or not isinstance(count, int):
        return None
    free = FREE_BAGS_TAU2 if case.desk.is_tau2 else FREE_BAGS
    return max(0, total - count * free[user["membership"]][cabin])


def price(case: Case) -> object:
    """What a booking costs: fares, insurance and bags beyond the allowance."""
    flights, count, bags = case.arguments.get("flights"), passengers(case), chargeable_bags(case)
    if not isinstance(flights, list) or not isinstance(count, int) or not isinstance(bags, int):
        return None
    dates = [
        table("flights").get(f.get("flight_number"), {}).get("dates", {}).get(f.get("date"), {})
        for f in flights
    ]
    fares = [date.get("prices", {}).get(case.arguments.get("cabin")) for date in dates]
    if None in fares:
        return None
    insurance = INSURANCE * count if case.arguments.get("insurance") == "yes" else 0
    return sum(fares) * count + insurance + BAG * bags


def paid(case: Case) -> object:
    """What the payment methods of a booking add up to."""
    methods = case.arguments.get("payment_methods")
    if not isinstance(methods, list):
        return None
    amounts = [method.get("amount") if isinstance(method, dict) else None for method in methods]
    return None if any(not isinstance(amount, int | float) for amount in amounts) else sum(amounts)


def entitled(case: Case, item: Json) -> bool:
    """Silver or gold member, insured, or in business."""
    member = (case.user or {}).get("membership")
    return member in ("silver", "gold") or item["insurance"] == "yes" or item["cabin"] == "business"


def may_have_certificate(case: Case) -> object:
    """Has a reservation that was talked about the membership, insurance or cabin for a certificate?"""
    if case.user is None:
        return None
    is_member = case.user["membership"] in ("silver", "gold")
    return is_member or any(entitled(case, item) for item in case.named)


def certificate_for(wanted: str, per_passenger: int) -> Fact:
    """Make a fact: is the amount that of a reservation talked about, with a flight in this state?"""

    def fact(case: Case) -> object:
        if case.user is None or "amount" not in case.arguments:
            return None
        due = {
            per_passenger * len(item["passengers"])
            for item in case.named
            if wanted in (statuses(item) or ()) and entitled(case, item)
        }
        return case.arguments["amount"] in due

    return fact


def changed_a_delayed_one(case: Case) -> object:
    """Has this conversation changed or cancelled a reservation with a delayed flight?"""
    return any(
        "delayed" in (statuses(item) or ()) and case.desk.was_changed(item["reservation_id"])
        for item in case.named
    )
