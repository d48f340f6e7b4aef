"""What a log and its tickets propose, each kind in a module of its own."""
