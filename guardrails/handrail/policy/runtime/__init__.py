"""A policy in force: compiled rules, the plan of what is evaluated when, and decisions as plain data."""
