"""Opens with PEFT what tongues wrote from the adapters of tests/fixtures/peft-pack, and compares.

    TONGUES_PEFT_OUT=DIR cargo test --release --test adapters of_peft
    python peft_pack.py DIR

Passes when no tensor is missing or left over, and no logit of a token is further than
1e-4 of the standard deviation from those that PEFT computed with its own folder.
Offline, f32, on the CPU. Exit codes: 0 all agree, 1 something differs.
"""

import os
import sys
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
from transformers.utils import logging

PACK = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "peft-pack"


def compare(folder):
    case = PACK / folder.name
    base = PACK.parent / (case / "base.txt").read_text().strip()
    kind = AutoModelForMaskedLM if base.parent.name == "xlm-roberta" else AutoModelForCausalLM
    model = kind.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").eval()
    model = PeftModel.from_pretrained(model, folder)
    missing, unexpected = [], []
    if not model.active_peft_config.is_prompt_learning:
        found = model.load_adapter(folder, "default")  # only the second call tells the keys
        missing, unexpected = found.missing_keys, found.unexpected_keys
        missing = [k for k in missing if "base_layer" not in k]
    want = load_file(case / "reference.safetensors")
    ids, mask = want["input_ids"], want["attention_mask"]
    with torch.no_grad():
        got = model.eval()(input_ids=ids, attention_mask=mask).logits[:, -ids.shape[1] :]
    real = mask.bool()
    gap = ((got - want["logits"])[real].abs().max() / want["logits"][real].std()).item()
    ok = gap <= 1e-4 and not missing and not unexpected
    print(f"{folder.name:26} {gap:.1e} std, missing {missing}, unexpected {unexpected} {'ok' if ok else 'MISMATCH'}")
    return ok


def main():
    warnings.filterwarnings("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folders = sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir())
    results = [compare(folder) for folder in folders]
    print(f"{sum(results)} of {len(results)} agree")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
