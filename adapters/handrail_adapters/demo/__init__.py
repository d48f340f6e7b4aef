"""A refunds shop to look at: scripted model, real client, real HTTP, real policy and tickets."""
