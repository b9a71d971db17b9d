#!/bin/sh
# transformers 5.23.0: `from __future__ import annotations` in a module with a model of one's own leaves the model without its
# configuration class: it becomes the text of the annotation.
#
# Guessed: a model says which configuration it has by the annotation `config: OwnConfig`, as the library's own models do; how
# annotations are evaluated is Python's affair and makes no difference.
# Seen: `__init_subclass__` takes the class's raw annotations, so with the postponed ones of PEP 563 `config_class` is the
# string "OwnConfig". The model can be built and run; registering it for AutoModel ends in "'str' object has no attribute
# '__name__'", which names neither the annotation nor the import. Without the import the same lines work.
# Why it matters: the import stands in every module of many projects, and linters put it there.
#
# Exits 0 while it is so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.23.0 torch==2.13.0
cat > "$folder/plain.py" <<'PYTHON'
import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel


class OwnConfig(PretrainedConfig):
    model_type = "own_model"


class OwnModel(PreTrainedModel):
    config: OwnConfig

    def __init__(self, config):
        super().__init__(config)
        self.layer = torch.nn.Linear(2, 2)
        self.post_init()


def register():
    AutoConfig.register("own_model", OwnConfig)
    AutoModel.register(OwnConfig, OwnModel)
PYTHON
{ echo "from __future__ import annotations"; cat "$folder/plain.py"; } > "$folder/postponed.py"
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import importlib
import sys

sys.path.insert(0, ".")
import transformers

print("transformers", transformers.__version__)
print("expected: the same class of configuration, and a registered model, with and without the import")
seen = {}
for name in ("postponed", "plain"):
    module = importlib.import_module(name)
    module.OwnModel(module.OwnConfig())
    try:
        module.register()
        seen[name] = "registered"
    except AttributeError as error:
        seen[name] = f"AttributeError: {error}"
    print("seen:", name, repr(module.OwnModel.config_class), "|", seen[name])
sys.exit(not (seen["plain"] == "registered" and "'str' object" in seen["postponed"]))
PYTHON
