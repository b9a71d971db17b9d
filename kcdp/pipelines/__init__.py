"""Pipelines: pictures in, results out."""
