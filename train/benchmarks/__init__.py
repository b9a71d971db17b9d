"""What `train/benchmark.py` measures: pairs of works, taken in turn, and the table of their ratios."""
