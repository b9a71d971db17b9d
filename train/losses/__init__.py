"""The papers' training losses and where paper and release differ."""
