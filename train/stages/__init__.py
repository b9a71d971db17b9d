"""Training stages, one module each; `train.stages.registry` lists them."""
