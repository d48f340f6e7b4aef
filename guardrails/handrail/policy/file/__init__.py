"""Policy and people files: read strictly, each problem reported at its place, compiled to a policy."""
