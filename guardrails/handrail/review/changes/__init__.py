"""Changes of a policy: a patch, what it may not touch, and how people accept it and take it back."""
