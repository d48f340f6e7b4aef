"""A weekly review to look at: the page, its charts and tables, and the files beside it."""
