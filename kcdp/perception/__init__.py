"""The denoiser as an eye: features, cross-attention maps and the pyramid that turns them into v (eqs. 3 to 5)."""
