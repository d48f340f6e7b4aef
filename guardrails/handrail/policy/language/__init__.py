"""The language of `when:`: facts and where they come from, grammar, types, and compiled tests."""
