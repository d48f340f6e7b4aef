"""Policy and people files: read strictly, every problem at its place, built into a policy."""
