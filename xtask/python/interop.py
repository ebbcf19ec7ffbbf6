"""Opens with transformers and PEFT what tongues wrote, and compares.

    python interop.py --base DIR [--adapter DIR] [--folded DIR] --probe FILE.safetensors

--base and --folded are checkpoints, --adapter is a PEFT adapter on the base. The
probe holds what tongues computes:

    FILE.safetensors   input_ids [B, T] int64, no padding; logits_base, and logits_adapter
                       and logits_folded where asked for, [B, T, V] f32
    probe.json         beside it: {"texts": [..], "ids": [[..]]}, the token ids of each text;
                       "add_special_tokens": true if they include the special tokens

Passes when the token ids are equal, every tensor of a file is used and none is
missing, and no logit is further away than 1e-4 of the standard deviation of the
logits tongues computed. Everything is f32, on the CPU and offline.

Exit codes: 0 all agree, 1 something differs or cannot be opened, 2 wrong usage.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

TOLERANCE = 1e-4  # of the standard deviation of the expected logits


class Mismatch(Exception):
    """What differs: place, expected, found."""


def opened(folder, call, **how):
    """What these libraries cannot open is a finding about the folder, not a crash."""
    try:
        return call(folder, **how)
    except Exception as error:
        raise Mismatch(f"{folder}: could not be opened: {type(error).__name__}: {error}") from error


def load_model(folder):
    """Every weight of the model comes from the files, every tensor of the files is used."""
    read = AutoModelForCausalLM.from_pretrained
    model, info = opened(folder, read, dtype=torch.float32, local_files_only=True, output_loading_info=True)
    wrong = {kind: sorted(map(str, found)) for kind, found in info.items() if found}
    if wrong:
        raise Mismatch(f"{folder}: every tensor read and none missing was expected, found {wrong}")
    return model.eval()


def load_adapter(base, folder):
    """The base with the adapter on it; loads twice, since only the second call tells the keys."""
    model = opened(folder, lambda path: PeftModel.from_pretrained(base, path))
    found = model.load_adapter(folder, "default")
    wrong = {"missing_keys": found.missing_keys, "unexpected_keys": found.unexpected_keys}
    if any(wrong.values()):
        raise Mismatch(f"{folder}: every tensor read and none missing was expected, found {wrong}")
    return model.eval()


def expected(probe, name):
    if name not in probe:
        raise Mismatch(f"probe: a tensor {name} was expected, found {sorted(probe)}")
    t = probe[name]
    if name.startswith("logits"):
        rows = tuple(probe["input_ids"].shape)
        if t.dtype != torch.float32 or t.dim() != 3 or tuple(t.shape[:2]) != rows:
            raise Mismatch(f"probe: {name} must be f32 [{rows[0]}, {rows[1]}, V], found {t.dtype} {list(t.shape)}")
        if not t.isfinite().all() or t.std() == 0:
            raise Mismatch(f"probe: {name} must be finite and not constant, found std {t.std().item()}")
    return t


def compare_logits(what, model, probe):
    """One row of the table; the worst place is named when it is out of bounds."""
    want = expected(probe, f"logits_{what}")
    with torch.no_grad():
        got = model(input_ids=expected(probe, "input_ids")).logits
    if got.shape != want.shape:
        return row(what, "logits", f"shape {list(want.shape)} expected, found {list(got.shape)}", False)
    gap = (got - want).abs().nan_to_num(nan=float("inf"))
    bound = TOLERANCE * want.std().item()
    worst = gap.max().item()
    text = f"max difference {worst:.3g}, allowed {bound:.3g}"
    if what != "base" and "logits_base" in probe and probe["logits_base"].shape == want.shape:
        text += f"; from the base {(want - probe['logits_base']).abs().max().item():.3g}"
    if worst > bound:
        b, t, v = (int(i) for i in torch.unravel_index(gap.argmax(), gap.shape))
        text += f"; worst at row {b}, position {t}, entry {v}: expected {want[b, t, v]:.6f}, found {got[b, t, v]:.6f}"
    return row(what, "logits", text, worst <= bound)


def compare_tokens(what, folder, probe):
    tokenizer = opened(folder, AutoTokenizer.from_pretrained, local_files_only=True)
    special = probe.get("add_special_tokens", False)
    for text, want in zip(probe["texts"], probe["ids"], strict=True):
        got = tokenizer(text, add_special_tokens=special).input_ids
        if list(got) != want:
            return row(what, "token ids", f"text {text!r}: expected {want}, found {list(got)}", False)
    return row(what, "token ids", f"{len(probe['texts'])} texts", True)


def row(what, check, text, ok):
    return (what, check, "ok" if ok else "MISMATCH", text)


def read_texts(path):
    if not path.is_file():
        raise Mismatch(f"{path}: a file with texts and ids was expected beside the probe, found none")
    texts = json.loads(path.read_text(encoding="utf-8"))
    if not texts.get("texts") or len(texts["texts"]) != len(texts.get("ids", [])):
        raise Mismatch(f"{path}: one or more texts and as many ids were expected, found {sorted(texts)}")
    return texts


def tensor_row(what, folder):
    return row(what, "tensors", f"{folder}: all read, none missing", True)


def rows_of(args):
    """Yields the table row by row, so that what agreed is shown before a failure."""
    probe, texts = load_file(args.probe), read_texts(args.probe.parent / "probe.json")
    yield compare_tokens("base", args.base, texts)
    base = load_model(args.base)
    yield tensor_row("base", args.base)
    yield compare_logits("base", base, probe)
    if args.adapter:
        model = load_adapter(base, args.adapter)
        yield tensor_row("adapter", args.adapter)
        yield compare_logits("adapter", model, probe)
    if args.folded:
        yield compare_tokens("folded", args.folded, texts)
        model = load_model(args.folded)
        yield tensor_row("folded", args.folded)
        yield compare_logits("folded", model, probe)
    for what in ("adapter", "folded"):
        if f"logits_{what}" in probe and not getattr(args, what):
            yield (what, "logits", "skipped", f"the probe has logits_{what}, but no --{what} was given")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, metavar="DIR")
    parser.add_argument("--adapter", type=Path, metavar="DIR")
    parser.add_argument("--folded", type=Path, metavar="DIR")
    parser.add_argument("--probe", type=Path, required=True, metavar="FILE")
    args = parser.parse_args()
    for path in (args.base, args.adapter, args.folded):
        if path and not path.is_dir():
            parser.error(f"{path}: a folder was expected, found none")
    if not args.probe.is_file():
        parser.error(f"{args.probe}: a safetensors file was expected, found none")
    return args


def main():
    args = arguments()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    failed = 0
    try:
        for what, check, verdict, text in rows_of(args):
            print(f"{what:8} {check:10} {verdict:9} {text}", flush=True)
            failed += verdict == "MISMATCH"
    except Mismatch as wrong:
        sys.exit(f"interop: {wrong}")
    except Exception as error:
        sys.exit(f"interop: the comparison could not be made: {type(error).__name__}: {error}")
    if failed:
        sys.exit(f"interop: {failed} of the comparisons above differ")
    print("interop: all agree")


if __name__ == "__main__":
    main()
