"""No words of the libraries on the terminal: what they print while they load says nothing to whoever uses a program."""

from __future__ import annotations

import logging
import os
import warnings


def quiet_libraries() -> None:
    """Turn off the libraries' progress bars and warnings; their errors stay. For programs, not for who imports kcdp."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from diffusers.utils import logging as diffusers_logging
    from huggingface_hub.utils import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    disable_progress_bars()
    for name in ("httpx", "asyncio"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning)
