"""`python -m kcdp` is the command `kcdp`."""

import sys

from kcdp.cli import main

if __name__ == "__main__":
    sys.exit(main())
