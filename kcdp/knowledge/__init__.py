"""Captions, triplets and their encodings: the knowledge side of KCDP (section 4.1)."""
