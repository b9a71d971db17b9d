"""Vision towers: CLIP's, behind convolutions."""
