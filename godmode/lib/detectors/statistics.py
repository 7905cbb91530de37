"""The statistics behind a detector's confidence, each with its source. No dependencies, all exact to ~1e-9."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate, combinations, pairwise
from math import comb, exp, factorial, lgamma, log, log1p, sqrt

ONE_SIDED_95 = 1.6448536269514722
COMES_BACK_WITHIN = timedelta(days=7)
MOST_RANKED = 30


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


def mid_p(k: int, n: int, share: float) -> float:
    """P(X > k) + P(X = k) / 2 for X ~ Binomial(n, share): the p-value for `calibrated`, whose premise is an even one.

    Of a discrete test the plain tail is too large on average where nothing is there, the mid-p is 1/2 as it should be:
    Lancaster, "Significance tests in discrete distributions", JASA 56 (1961), 223-234.
    """
    return (at_least(k, n, share) + at_least(k + 1, n, share)) / 2


def rate_grew(now: int, before: int, now_share: float) -> float:
    """The p-value, one-sided, that `now` events are no more than `before` would let expect.

    Given their sum, the count of one of two Poisson processes of equal rate is binomial with that one's share of
    the exposure: Przyborowski and Wilenski, "Homogeneity of results in testing samples from Poisson series",
    Biometrika 31 (1940), 313-323; as `mid_p`. `now_share` is the exposure of `now` as a part of both, in 0..1.
    """
    return mid_p(now, now + before, now_share)


def bonferroni(p: float, looked_at: int) -> float:
    """`p` corrected for having looked at that many hypotheses: Dunn, JASA 56 (1961), 52-64."""
    return min(1.0, p * max(1, looked_at))


def calibrated(p: float) -> float:
    """How sure a finding of this (corrected) p-value can be at the most: 1 - 1 / (1 + 1 / (-e·p·ln p)).

    1 - p is no probability of being right: of findings at p = 0.05, far more than one in twenty are chance. No
    alternative of the usual shape makes more of this p, where the finding was as likely as not beforehand: Sellke,
    Bayarri and Berger, "Calibration of p values for testing precise null hypotheses", The American Statistician 55
    (2001), 62-71.
    0.05 is worth 0.71, 0.01 is worth 0.89; from 1/e on it says nothing, 0.5.

    A detector corrects p for all it looked at, which amounts to one true finding among as many as chance would bring:
    where more is wrong than that, or its tests hang together, more of its findings are true than they say.
    """
    if p >= exp(-1):
        return 0.5
    if p <= 0:
        return 1.0
    bound = -exp(1) * p * log(p)
    return 1 / (1 + bound)


def comes_back(days: Sequence[date], today: date) -> float:
    """The probability that what happened on these days (in order) comes again within seven days of the last one.

    Laplace's rule of succession over the days: each is a trial that succeeded when the next came within seven. The
    last day is a trial once seven more are over.
    """
    gaps = [b - a for a, b in pairwise(days)]
    if today - days[-1] > COMES_BACK_WITHIN:
        gaps.append(today - days[-1])
    return succession(sum(gap <= COMES_BACK_WITHIN for gap in gaps), len(gaps))


def rises(values: Sequence[float]) -> float:
    """The p-value, one-sided, that a series without any trend would rise as much: exact, equal values count against.

    Mann, "Nonparametric tests against trend", Econometrica 13 (1945), 245-259: of all orders of n values, the share
    that has no more inversions than these. Of more than 30 values the last 30 are taken.
    """
    values = values[-MOST_RANKED:]
    inversions = sum(a >= b for a, b in combinations(values, 2))
    orders = [1]
    for n in range(2, len(values) + 1):  # the orders of n values by their inversions: Kendall 1975, section 5.2
        sums = [0, *accumulate(orders + [0] * (n - 1))]
        orders = [sums[i + 1] - sums[max(0, i + 1 - n)] for i in range(len(orders) + n - 1)]
    return sum(orders[: inversions + 1]) / factorial(len(values))


def all_above(recent: Sequence[float], before: Sequence[float]) -> float:
    """The p-value that all of `recent` lie above all of `before` by chance: 1 / C(n + m, m); 1 where they do not.

    Rosenbaum, "Tables for a nonparametric test of location", Annals of Mathematical Statistics 25 (1954), 146-150.
    """
    if not recent or not before or min(recent) <= max(before):
        return 1.0
    return 1 / comb(len(recent) + len(before), len(recent))


def dispersion(values: Sequence[float], expected: Sequence[float], fitted: int) -> float:
    """How much more counts scatter than a Poisson process would, at least 1; `fitted` means were taken from them.

    Pearson's statistic over its degrees of freedom: McCullagh and Nelder, "Generalized Linear Models" (1989), 6.2.
    Counts divided by it behave like Poisson counts (quasi-likelihood).
    """
    squares = [(v - e) ** 2 / e for v, e in zip(values, expected, strict=True) if e > 0]
    return max(1.0, sum(squares) / max(1, len(squares) - fitted))


def _check(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials cannot be")
