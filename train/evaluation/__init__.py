"""What is measured, and against what; `train/evaluate.py` is the command."""
