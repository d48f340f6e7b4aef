"""The shipped heads: what they are trained on, and what trains them: `python -m benchmarks.heads`."""
