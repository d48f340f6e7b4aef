"""Keys, sealed fields and signatures."""
