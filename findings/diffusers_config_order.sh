#!/bin/sh
# diffusers 0.42.1: the configuration of one and the same scheduler is other JSON in every process.
#
# Guessed: json.dumps(dict(scheduler.config), sort_keys=True) of a scheduler made without arguments is one text, so that a hash of
# it can name what was computed with it.
# Seen: the configuration holds a list `_use_default_values`, the arguments nobody gave, in the order of a Python set; strings are
# hashed with another seed in each process, so the list has another order. With PYTHONHASHSEED fixed the texts are equal.
# Why it matters: a cache whose key holds a configuration is never hit by the next run, and two processes that share out a
# computation by such a key do all of it twice.
#
# Exits 0 while it is so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check diffusers==0.42.1 torch==2.13.0 numpy==2.4.0
cat > "$folder/hash.py" <<'PYTHON'
import hashlib
import json

from diffusers import EulerDiscreteScheduler

config = dict(EulerDiscreteScheduler().config)
print(hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16])
PYTHON
count() {
    for seed in "$@"; do
        PYTHONHASHSEED=$seed "$folder/venv/bin/python" "$folder/hash.py" 2>/dev/null
    done | sort -u | wc -l
}
echo "diffusers 0.42.1, configurations of EulerDiscreteScheduler() in 4 processes"
echo "expected: 1 text"
different=$(count 1 2 3 4)
same=$(count 1 1 1 1)
echo "seen: $different texts; with one PYTHONHASHSEED $same"
[ "$different" -gt 1 ] && [ "$same" -eq 1 ]
