"""Training and evaluation; imports `kcdp`, never the other way round."""
