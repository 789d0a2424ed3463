"""Noise-free data with known motion: the better registration wins."""

import itertools

import numpy
from hypothesis import assume
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ewoksndreg.evaluation import evaluate_stacks

from .scenes import measurement

# What "much worse" means, decided before the first ranking was looked at: more than so many px,
# and so many times the other registration's error. The other registration must also leave less than
# half of the motion: the score does not tell apart registrations that are worse than doing nothing.
LARGE_ERROR = 1.0
RATIO = 3.0
IMPROVEMENT = 0.5


@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(24, 56), st.integers(24, 56)),
    images=st.integers(2, 5),
    step=st.floats(0.5, 4),
    errors=st.lists(st.floats(0, 8), min_size=2, max_size=4),
)
@example(seed=0, shape=(32, 32), images=3, step=2, errors=[0, 1.1])
def test_a_registration_never_ranks_below_a_much_worse_one(seed, shape, images, step, errors):
    known = measurement(seed, shape, images, step, errors)
    motion = numpy.sqrt((known.motion[1:] ** 2).sum(axis=1).mean())
    pairs = [
        (better, worse)
        for better, worse in itertools.permutations(known.registrations, 2)
        if known.true_errors[worse] > LARGE_ERROR
        and known.true_errors[worse] > RATIO * known.true_errors[better]
        and known.true_errors[better] < IMPROVEMENT * motion
    ]
    assume(pairs)
    ranking = evaluate_stacks(known.stacks, known.registrations).ranked_names
    for better, worse in pairs:
        assert ranking.index(better) < ranking.index(worse)
