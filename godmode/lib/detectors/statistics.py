"""The statistics behind a detector's confidence, each with its source. No dependencies, all exact to ~1e-9."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt

ONE_SIDED_95 = 1.6448536269514722


def wilson_lower(successes: int, trials: int, z: float = ONE_SIDED_95) -> float:
    """The lower bound of the share behind `successes` of `trials`, with the confidence that `z` stands for.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212:
    (p + z²/2n - z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n). No trials say nothing: 0.
    Raises ValueError for counts that cannot be.
    """
    _check(successes, trials)
    if trials == 0:
        return 0.0
    share = successes / trials
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, (share + z * z / (2 * trials) - spread) / (1 + z * z / trials))


def succession(successes: int, trials: int) -> float:
    """The probability that the next trial succeeds: (s + 1) / (n + 2), Laplace's rule of succession.

    Laplace, "Essai philosophique sur les probabilités" (1814); the mean of the Beta posterior after a uniform
    prior. Raises ValueError for counts that cannot be.
    """
    _check(successes, trials)
    return (successes + 1) / (trials + 2)


def at_least(k: int, n: int, share: float) -> float:
    """P(X >= k) for X ~ Binomial(n, share), summed term by term in logarithms."""
    if k <= 0:
        return 1.0
    if k > n or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    term = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(share) + (n - k) * log1p(-share))
    odds, total = share / (1 - share), 0.0
    for i in range(k, n + 1):
        total += term
        if i > n * share and term < total * 1e-12:
            break
        term *= (n - i) / (i + 1) * odds
    return min(1.0, total)


def rate_grew(now: int, before: int, now_share: float) -> float:
    """The p-value, one-sided, that `now` events are no more than `before` would let expect.

    Given their sum, the count of one of two Poisson processes of equal rate is binomial with that one's share of
    the exposure: Przyborowski and Wilenski, "Homogeneity of results in testing samples from Poisson series",
    Biometrika 31 (1940), 313-323. `now_share` is the exposure of `now` as a part of both, in 0..1.
    """
    return at_least(now, now + before, now_share)


def bonferroni(p: float, looked_at: int) -> float:
    """`p` corrected for having looked at that many hypotheses: Dunn, JASA 56 (1961), 52-64."""
    return min(1.0, p * max(1, looked_at))


def _check(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials cannot be")
