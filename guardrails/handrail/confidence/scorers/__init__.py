"""Measures of one answer: each gives a number in 0..1, or nothing where it has no data. Pure."""
