"""Exact intervals for shares. Nothing else."""

from collections.abc import Callable
from math import exp, lgamma, log, log1p


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Lower and upper bound of a share (Clopper and Pearson 1934). With no trials nothing is known: 0 to 1.

    With no hits, or nothing but hits, the one open side takes the whole error: "0 wrong in 2,995" is then < 0.1 %.
    """
    if trials == 0:
        return 0.0, 1.0
    one_sided = hits in {0, trials}
    error = (1.0 - confidence) / (1 if one_sided else 2)
    low = 0.0 if hits == 0 else _root(lambda p: _at_least(hits, trials, p) - error)
    high = 1.0 if hits == trials else _root(lambda p: error - _at_most(hits, trials, p))
    return low, high


def _root(rising: Callable[[float], float]) -> float:
    """Where a rising function of 0 to 1 crosses nought, to 1e-12."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _at_most(hits: int, trials: int, p: float) -> float:
    return sum(_exactly(k, trials, p) for k in range(hits + 1))


def _at_least(hits: int, trials: int, p: float) -> float:
    return sum(_exactly(k, trials, p) for k in range(hits, trials + 1))


def _exactly(k: int, n: int, p: float) -> float:
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p))
