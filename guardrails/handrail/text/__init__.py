"""Text read apart from any use: normalised with an offset map, and the amounts of money in it."""
