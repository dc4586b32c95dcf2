"""Exact intervals for shares. Nothing else."""

from collections.abc import Callable
from math import exp, lgamma, log, log1p


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Lower and upper bound of a share (Clopper and Pearson 1934). With no trials nothing is known: 0 to 1."""
    error = (1.0 - confidence) / 2
    low = 0.0 if hits == 0 else _root(lambda p: _sum(range(hits, trials + 1), trials, p) - error)
    return low, upper_bound(hits, trials, 1.0 - error)


def upper_bound(hits: int, trials: int, confidence: float = 0.95) -> float:
    """What a share surely does not exceed, one-sided: 0 wrong in 2,995 is below 0.1 %."""
    if hits == trials:
        return 1.0
    return _root(lambda p: (1.0 - confidence) - _sum(range(hits + 1), trials, p))


def _root(rising: Callable[[float], float]) -> float:
    """Where a rising function of 0 to 1 crosses nought, to 1e-12."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _sum(hits: range, n: int, p: float) -> float:
    """How likely so many hits are in `n` trials (binomial)."""
    return sum(exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p)) for k in hits)
