"""One guarded call without input or output: events in, needs and decisions out."""
