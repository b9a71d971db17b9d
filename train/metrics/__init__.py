"""Metrics, one file each; `registry` has those of generated pictures, `recognition` those of predicted emotions."""
