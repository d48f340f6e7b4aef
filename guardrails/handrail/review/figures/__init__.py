"""A period's figures, each with the tickets behind it."""
