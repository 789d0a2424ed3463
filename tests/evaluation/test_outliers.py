"""Images that are aligned much worse than the others."""

import math

import numpy
import pytest

from ewoksndreg.evaluation import find_outliers
from ewoksndreg.evaluation import outlier_limit

NAN = numpy.nan


def test_the_limit_is_the_median_and_five_robust_standard_deviations():
    # Median 0.3, absolute deviations 0.2 0.1 0 0.1 0.2, their median 0.1
    values = numpy.array([NAN, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert outlier_limit(values) == pytest.approx(0.3 + 5 * 1.4826 * 0.1)


def test_differences_below_one_per_cent_do_not_matter():
    values = numpy.array([NAN, 0.05, 0.05, 0.05, 0.0999, 0.1001])
    assert outlier_limit(values) == pytest.approx(0.05 + 5 * 0.01)
    assert find_outliers(values) == [5]


def test_one_bad_image_stands_out_and_does_not_hide_another():
    values = numpy.full(30, 0.1) + numpy.random.default_rng(0).normal(scale=0.005, size=30)
    values[[7, 20]] = 0.5, 3.0
    assert find_outliers(values) == [7, 20]


def test_missing_values_say_nothing():
    assert find_outliers(numpy.array([NAN, NAN, 0.1, 0.1, 0.1, 0.9])) == [5]
    for nothing in ([], [NAN], [NAN, NAN]):
        assert math.isnan(outlier_limit(numpy.array(nothing)))
        assert find_outliers(numpy.array(nothing)) == []
