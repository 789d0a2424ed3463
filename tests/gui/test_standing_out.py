"""Images that are aligned much worse than the others."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import math

import numpy
import pytest

from ewoksndreg.gui.standing_out import largest_usual
from ewoksndreg.gui.standing_out import standing_out

NAN = numpy.nan


def test_the_limit_is_the_median_and_five_robust_standard_deviations():
    # Without the first image: median 0.3, absolute deviations 0.2 0.1 0 0.1 0.2, their median 0.1
    values = numpy.array([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert largest_usual(values) == pytest.approx(0.3 + 5 * 1.4826 * 0.1)


def test_differences_below_one_per_cent_do_not_matter():
    values = numpy.array([0, 0.05, 0.05, 0.05, 0.0999, 0.1001])
    assert largest_usual(values) == pytest.approx(0.05 + 5 * 0.01)
    assert standing_out(values) == [5]


def test_one_bad_image_stands_out_and_does_not_hide_another():
    values = numpy.full(30, 0.1) + numpy.random.default_rng(0).normal(scale=0.005, size=30)
    values[[7, 20]] = 0.5, 3.0
    assert standing_out(values) == [7, 20]


def test_the_first_image_never_stands_out():
    values = numpy.array([5, 0.1, 0.1, 0.1])
    assert standing_out(values) == []


def test_missing_values_say_nothing():
    assert standing_out(numpy.array([0, NAN, 0.1, 0.1, 0.1, 0.9])) == [5]
    for nothing in ([], [0.0], [0, NAN]):
        assert math.isnan(largest_usual(numpy.array(nothing)))
        assert standing_out(numpy.array(nothing)) == []
