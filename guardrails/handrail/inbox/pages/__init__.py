"""The pages of the inbox: one module each, which says its `routes`."""

from handrail.inbox.pages import tickets

routes = [*tickets.routes]
