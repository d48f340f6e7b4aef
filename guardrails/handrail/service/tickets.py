"""The service: everything that people do with tickets, for every front end."""

from handrail.service.deciding import Deciding


class TicketService(Deciding):
    """Reading, moving and deciding tickets of one store; safe to use from threads.

    Every method takes the `Reviewer` on whose behalf it runs, and refuses what `NEEDS` does not let them do.
    """
