"""Tickets in the database: opened, claimed, resolved and applied, one transaction each."""
