"""HTTP transports that guard every request to a model, for clients built on httpx2 or httpx."""
