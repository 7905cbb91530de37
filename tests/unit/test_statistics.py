"""The statistics agree with their published forms, and with plain counting."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations, permutations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.detectors.statistics import (
    all_above,
    at_least,
    bonferroni,
    calibrated,
    comes_back,
    dispersion,
    mid_p,
    rate_grew,
    rises,
    succession,
    wilson_lower,
)


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
    terms = {i: comb(18, i) * (3 / 14) ** i * (11 / 14) ** (18 - i) for i in (17, 18)}
    assert rate_grew(17, 1, 3 / 14) == pytest.approx(terms[17] / 2 + terms[18])


@given(st.integers(1, 40), st.floats(0.01, 0.99))
def test_where_nothing_is_there_the_mid_p_is_a_half_on_average(n: int, share: float) -> None:
    likely = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    assert sum(p * mid_p(k, n, share) for k, p in enumerate(likely)) == pytest.approx(0.5)
    assert sum(p * at_least(k, n, share) for k, p in enumerate(likely)) > 0.5


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


def test_a_p_value_is_worth_what_sellke_bayarri_and_berger_tabulate() -> None:
    """Their table 1, conditional error probabilities: 0.289 at 0.05, 0.111 at 0.01, 0.0184 at 0.001."""
    for p, error in ((0.05, 0.289), (0.01, 0.111), (0.001, 0.0184)):
        assert 1 - calibrated(p) == pytest.approx(error, abs=5e-4)
    assert [calibrated(p) for p in (0.0, 0.4, 1.0)] == [1.0, 0.5, 0.5]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_a_rise_is_as_likely_as_the_share_of_all_orders_that_rise_as_much(values: list[int]) -> None:
    def inversions(order: tuple[int, ...]) -> int:
        return sum(a > b for a, b in combinations(order, 2))

    seen = sum(a >= b for a, b in combinations(values, 2))
    orders = list(permutations(range(len(values))))
    assert rises(values) == pytest.approx(sum(inversions(o) <= seen for o in orders) / len(orders))


def test_a_long_rise_is_hardly_chance_and_a_fall_is_none() -> None:
    assert rises(range(40)) < 1e-30
    assert rises([3, 2, 1]) == 1.0


def test_all_of_the_recent_above_all_before_is_one_of_all_choices() -> None:
    assert all_above([5, 6], [1, 2, 3]) == pytest.approx(1 / 10)
    assert all_above([5, 3], [1, 2, 3]) == all_above([], [1]) == 1.0


def test_counts_that_scatter_more_than_poisson_are_known_by_it() -> None:
    assert dispersion([10, 10, 10], [10, 10, 10], 1) == 1.0
    assert dispersion([0, 20, 0, 20], [10, 10, 10, 10], 1) == pytest.approx(40 / 3)


def test_what_came_back_within_seven_days_comes_back_again() -> None:
    first = date(2026, 3, 2)
    days = [first + timedelta(days=n) for n in (0, 3, 9, 30)]
    assert comes_back(days, days[-1]) == pytest.approx(3 / 5)
    assert comes_back(days, days[-1] + timedelta(days=8)) == pytest.approx(3 / 6)
