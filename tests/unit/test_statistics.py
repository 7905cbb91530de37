"""The statistics agree with their published forms, and with plain counting."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.detectors.statistics import at_least, bonferroni, rate_grew, succession, wilson_lower


@pytest.mark.parametrize(
    ("successes", "trials", "bound"),
    [(81, 263, 0.2553), (15, 148, 0.0624), (0, 20, 0.0), (1, 29, 0.0061), (29, 29, 0.8830)],
)
def test_wilson_gives_the_bounds_of_newcombes_table(successes: int, trials: int, bound: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3, two-sided 95 %; 29 of 29 by symmetry."""
    assert wilson_lower(successes, trials, z=1.959964) == pytest.approx(bound, abs=5e-5)


def test_no_trials_say_nothing() -> None:
    assert wilson_lower(0, 0) == 0.0


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_bound_lies_below_the_share_and_nears_it_with_more_trials(case: tuple[int, int]) -> None:
    k, n = case
    assert 0 <= wilson_lower(k, n) <= k / n + 1e-12
    assert wilson_lower(k, n) <= wilson_lower(10 * k, 10 * n) + 1e-12


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.01, 0.99))
def test_the_binomial_tail_is_the_sum_of_its_terms(k: int, n: int, share: float) -> None:
    counted = sum(comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k, n + 1))
    assert at_least(k, n, share) == pytest.approx(counted, abs=1e-9)


def test_a_long_tail_neither_overflows_nor_vanishes() -> None:
    assert at_least(10_000, 20_000, 0.5) == pytest.approx(0.5, abs=0.01)
    assert 0 < at_least(300, 20_000, 0.01) < 1e-9


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.0), (1.0, 1.0)])
def test_a_share_at_the_border_is_certain(share: float, expected: float) -> None:
    assert at_least(3, 5, share) == expected


def test_equal_rates_are_no_growth_and_a_burst_is() -> None:
    assert rate_grew(3, 11, 3 / 14) > 0.4
    assert rate_grew(17, 1, 3 / 14) == pytest.approx(
        sum(comb(18, i) * (3 / 14) ** i * (11 / 14) ** (18 - i) for i in (17, 18))
    )


def test_a_correction_multiplies_and_ends_at_one() -> None:
    assert bonferroni(0.001, 20) == pytest.approx(0.02)
    assert bonferroni(0.5, 20) == 1.0
    assert bonferroni(0.5, 0) == 0.5


def test_succession_is_laplaces() -> None:
    assert succession(0, 0) == 0.5
    assert succession(5, 5) == pytest.approx(6 / 7)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        wilson_lower(successes, trials)
    with pytest.raises(ValueError, match="cannot be"):
        succession(successes, trials)
