"""Features and cross-attention maps of the denoiser, and the pyramid that turns them into v (eqs. 3 to 5)."""
