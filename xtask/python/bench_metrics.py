"""sacrebleu's side of `cargo xtask bench metrics`: one score of one corpus, with the seconds it took without imports and reading.

    bench_metrics.py HYPOTHESES REFERENCES bleu|chrf|chrf++|ter SEGMENTS

Prints one line of JSON with `seconds` and `line`, as crates/metrics/examples/bench-metrics.rs does. The process is new each time, so that no
cache of an earlier run is used.
"""

import json
import sys
import time
from pathlib import Path

from sacrebleu.metrics import BLEU, CHRF, TER


def main():
    hypotheses, references, name, count = sys.argv[1:]
    read = lambda path: Path(path).read_text(encoding="utf-8").split("\n")[: int(count)]
    hypotheses, references = read(hypotheses), read(references)
    metric = {"bleu": BLEU, "chrf": CHRF, "chrf++": lambda: CHRF(word_order=2), "ter": TER}[name]()
    begun = time.perf_counter()
    score = metric.corpus_score(hypotheses, [references])
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "line": score.format(width=6, signature=str(metric.get_signature()))}))


if __name__ == "__main__":
    main()
