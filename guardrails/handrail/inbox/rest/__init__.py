"""The API under /api/v1: one table of operations, from which its routes and its OpenAPI document are made."""

from handrail.inbox.rest.endpoints import routes

__all__ = ["routes"]
