"""What people decided, as training data and as test cases."""
