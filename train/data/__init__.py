"""Data: shared record schema, loaders, builders and the renderer of drawn pictures."""
