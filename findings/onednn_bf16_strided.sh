#!/bin/sh
# torch 2.13.0 with oneDNN 3.12.0 on a CPU with AMX: a bfloat16 convolution of 4 channels with a stride of 16 gives noise.
#
# Guessed: F.conv2d in bfloat16 differs from 32 bits by bfloat16's rounding, some .3 % of the output's norm, whatever the stride.
# Seen: .3 % for 1, 2, 3 and 5 channels; for 4, 6 and 8 channels at kernel and stride 16 (8 channels from stride 8 on) the
# difference is as large as the output itself, with no warning and nothing that is not finite. oneDNN's own log names
# `brg_conv_fwd:avx10_1_512_amx`; with ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 the same call is right.
# Why it matters: that is the patch embedding of a vision transformer on pictures with opacity, or of latents, and bfloat16 is
# what `torch.autocast("cpu")` chooses for it.
#
# Exits 0 while it is so; says so and exits 2 on a CPU without AMX, where it cannot be seen.
set -eu
if ! grep -q amx_bf16 /proc/cpuinfo; then
    echo "This CPU has no AMX for bfloat16; run it on one that has."
    exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.0
cat > "$folder/strided.py" <<'PYTHON'
import sys

import torch
from torch.nn import functional as F

torch.manual_seed(0)
differences = {}
for channels in (3, 4, 5, 6, 8):
    pictures, kernels = torch.randn(2, channels, 128, 128), torch.randn(48, channels, 16, 16) / 16
    right = F.conv2d(pictures, kernels, stride=16)
    found = F.conv2d(pictures.bfloat16(), kernels.bfloat16(), stride=16).float()
    differences[channels] = ((found - right).norm() / right.norm()).item()
print({channels: round(value, 3) for channels, value in differences.items()})
wrong = [channels for channels, value in differences.items() if value > 0.5]
sys.exit(wrong != [int(channels) for channels in sys.argv[1].split(",") if channels])
PYTHON
echo "torch 2.13.0; expected: about .003 for every number of channels. Seen, by channels:"
"$folder/venv/bin/python" "$folder/strided.py" 4,6,8
echo "and without AMX:"
ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 "$folder/venv/bin/python" "$folder/strided.py" ""
