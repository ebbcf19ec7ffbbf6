"""Figures of the judge by scipy and statsmodels: python3 make.py > reference.json (scipy 1.17.1, statsmodels 0.15.0)."""

import json
import random

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

random.seed(20240611)


def sample(n, mean, sd):
    return [round(random.gauss(mean, sd), 6) for _ in range(n)]


def one_sided(effects, margin, level):
    n, mean, error = len(effects), float(np.mean(effects)), float(stats.sem(effects))
    return {
        "effects": effects,
        "margin": margin,
        "level": level,
        "mean": mean,
        "sd": float(np.std(effects, ddof=1)),
        "p_above": float(stats.ttest_1samp(effects, margin, alternative="greater").pvalue),
        "p_below": float(stats.ttest_1samp(effects, margin, alternative="less").pvalue),
        "low": float(mean + stats.t.ppf(level, n - 1) * error),
        "high": float(mean + stats.t.isf(level, n - 1) * error),
    }


def flipped(effects, margin):
    shifted = np.array(effects) - margin
    test = stats.permutation_test((shifted,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided")
    return {"effects": effects, "margin": margin, "p": float(test.pvalue)}


def paired():
    left, right = sample(5, 0.62, 0.1), sample(5, 0.6, 0.1)
    right = [round(a - 0.02 + random.gauss(0, 0.004), 6) for a in left]
    return {"left": left, "right": right, "p": float(stats.ttest_rel(left, right, alternative="greater").pvalue)}


def holm(p, level):
    rejected, adjusted, _, _ = multipletests(p, alpha=level, method="holm")
    return {"p": p, "level": level, "rejected": [bool(r) for r in rejected]}


def power(effect, n, level):
    critical = stats.t.isf(level, n - 1)
    return {"effect": effect, "n": n, "level": level, "power": float(stats.nct.sf(critical, n - 1, effect * n**0.5))}


cases = [(5, 0.03, 0.01, 0.0, 0.0125), (5, -0.4, 2.0, 0.25, 0.003), (10, 1.2, 0.7, 1.0, 0.0125), (2, 0.5, 0.3, 0.0, 0.0125), (10, 9.0, 0.1, 0.0, 0.001)]
reference = {
    "one_sided": [one_sided(sample(n, mean, sd), margin, level) for n, mean, sd, margin, level in cases],
    "paired": paired(),
    "sign_flip": [flipped(sample(n, mean, 1.0), margin) for n, mean, margin in [(8, 0.8, 0.0), (10, 0.5, 0.25), (5, 2.0, 0.0)]]
    + [flipped([1.0, -1.0, 1.0, 2.0, 2.0, 0.0, 1.0, 3.0], 0.0)],
    "holm": [holm(p, 0.05) for p in ([0.01, 0.04, 0.03, 0.005], [0.011, 0.02, 0.024, 0.04], [0.0126, 0.001, 0.02, 0.9], [0.06, 0.2], [0.05])],
    "power": [power(*c) for c in [(3.0, 5, 0.0125), (3.0, 5, 0.0025), (1.0, 10, 0.0125), (0.0, 5, 0.0125), (0.5, 30, 0.025), (2.0, 2, 0.05)]],
    "quantile": [{"level": level, "freedom": f, "t": float(stats.t.isf(level, f))} for level, f in [(0.0125, 4), (0.0125, 9), (1e-5, 4), (0.3, 4), (0.9, 9)]],
}
print(json.dumps(reference, indent=1))
