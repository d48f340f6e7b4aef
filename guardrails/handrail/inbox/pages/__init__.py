"""The pages of the inbox: one module each, which says its `routes`."""

from handrail.inbox.pages import (
    account,
    batch,
    deciding,
    overview,
    preferences,
    review,
    steps,
    ticket,
    tickets,
    unmasking,
)

# The last module takes every step of a ticket that no other page knows.
routes = [
    *tickets.routes,
    *ticket.routes,
    *deciding.routes,
    *batch.routes,
    *unmasking.routes,
    *overview.routes,
    *review.routes,
    *preferences.routes,
    *account.routes,
    *steps.routes,
]
