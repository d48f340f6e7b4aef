"""The service: everything that people do with tickets, for every front end."""

from handrail.service.keeping import Keeping


class TicketService(Keeping):
    """Reading, moving, deciding and managing tickets of one store; safe to use from threads.

    Every method takes the `Reviewer` on whose behalf it runs, and refuses what `NEEDS` does not let them do.
    """
