"""Packages' own tests, run plain and again with a guard that lets everything pass."""
