"""One week: its figures, proposals and first steps, in the language of whoever reads them."""
