"""The guarded HTTP exchange: which requests are judged, the steps of one, and transports that run them."""
