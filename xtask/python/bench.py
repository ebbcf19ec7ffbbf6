"""The other side of `cargo xtask bench train`: PyTorch with transformers (and PEFT), the same model, data and loss positions.

    bench.py HIDDEN INNER LAYERS VOCABULARY ROWS TIME full|lora|generate eager|compile|half

Says when its model is ready, then takes a step for every line on its standard input. It computes on the processor, or through CUDA where
`TONGUES_TEST_DEVICE` names another device for the other side.
"""

import json
import os
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

hidden, inner, layers, vocabulary, rows, length = map(int, sys.argv[1:7])
mode, how = sys.argv[7], sys.argv[8]
device = "cpu" if os.environ.get("TONGUES_TEST_DEVICE", "flex") in ("flex", "cpu") else "cuda"
torch.set_num_threads(2)
torch.manual_seed(1)


def say(line):
    print(json.dumps(line), flush=True)


def memory(key):
    for line in open("/proc/self/status"):
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return 0


config = LlamaConfig(
    vocab_size=vocabulary,
    hidden_size=hidden,
    intermediate_size=inner,
    num_hidden_layers=layers,
    num_attention_heads=hidden // 64,
    num_key_value_heads=hidden // 64,
    max_position_embeddings=2048,
    tie_word_embeddings=False,
    attn_implementation="sdpa",
    use_cache=mode == "generate",
)
model = LlamaForCausalLM(config).to(device)
if how == "half":
    model = model.to(torch.bfloat16)
if mode == "lora":
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", lora_dropout=0.0)).to(device)


def ids(row, width):
    return [(i * 7919 + i * i * 31) % vocabulary for i in range(row * width, (row + 1) * width)]


def training():
    data = torch.tensor([ids(r, length) for r in range(rows)], device=device)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01)
    model.train()
    run = torch.compile(model) if how == "compile" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = run(input_ids=data, labels=data).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        return loss.item()

    return step


def generation():
    data = torch.tensor([ids(r, 16) for r in range(rows)], device=device)
    model.eval()
    mask = torch.ones_like(data)

    def step():
        with torch.no_grad():
            out = model.generate(input_ids=data, attention_mask=mask, do_sample=False, min_new_tokens=length, max_new_tokens=length, pad_token_id=0, eos_token_id=None)
        return float(out.numel() - data.numel())

    return step


step = generation() if mode == "generate" else training()
say({"ready": sum(p.numel() for p in model.parameters()), "memory": memory("VmRSS")})
try:
    open("/proc/self/clear_refs", "w").write("5")
except OSError:
    pass
for _ in sys.stdin:
    start = time.perf_counter()
    value = step()
    say({"seconds": time.perf_counter() - start, "value": value, "peak": memory("VmHWM")})
