"""What people do with policies beside running them: compare, explain, try on a log, list, watch."""
