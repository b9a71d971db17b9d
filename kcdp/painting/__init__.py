"""Emotional prompts and sampling: from an emotion and words to latents."""
