"""The ticket, its life cycle and its digest: pure values, no input or output."""
