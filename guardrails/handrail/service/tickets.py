"""The service: everything that people do with tickets, for every front end."""

from handrail.service.reviewing import Reviewing


class TicketService(Reviewing):
    """Reading, moving, deciding, managing and reviewing tickets of one store; safe to use from threads.

    Every method takes the `Reviewer` on whose behalf it runs, and refuses what `NEEDS` does not let them do.
    """
