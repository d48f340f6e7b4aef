"""Provider message shapes, whole and streamed, as plain dicts; no SDK, no input or output."""
