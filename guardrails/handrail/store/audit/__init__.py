"""The hash-chained record: its writers, the batched log of passed decisions, and verification."""
