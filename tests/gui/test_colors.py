"""Colors that everybody can tell apart, by formulas of other programs.

Color differences are CIEDE2000 of scikit-image, which is checked against the data of G. Sharma, W.
Wu and E. N. Dalal, Color Res. Appl. 30 (2005) 21. Color blindness is simulated by the matrices of
G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, IEEE Trans. Vis. Comput. Graph. 15 (2009)
1291, severity 1.
"""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import matplotlib
import numpy
import pytest
from silx.gui import qt
from skimage.color import deltaE_ciede2000
from skimage.color import rgb2lab

from ewoksndreg._pictures import overlay
from ewoksndreg.gui._colors import INVALID
from ewoksndreg.gui._colors import SELECTED_IMAGE
from ewoksndreg.gui._colors import choose_line_style
from ewoksndreg.gui._colors import find_text_color

from .conftest import contrast

_VISION = {
    "normal": numpy.identity(3),
    "deuteranopia": numpy.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": numpy.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def see(rgb, vision):
    """CIELAB coordinates of what is seen of sRGB colors, 0 to 1, shape `(M, 3)`."""
    rgb = numpy.asarray(rgb, dtype=float)
    linear = numpy.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = numpy.clip(linear @ _VISION[vision].T, 0, 1)
    srgb = numpy.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb[None])[0]


def channels(name):
    return [int(name[n : n + 2], 16) / 255 for n in (1, 3, 5)]


@pytest.mark.parametrize(
    ("lab", "other", "expected"),
    [  # pairs 1, 7, 10, 17, 25 and 34 of Sharma's table
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0010), 7.1792),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_formula_is_that_of_the_publication(lab, other, expected):
    assert deltaE_ciede2000(lab, other) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("vision", _VISION)
@pytest.mark.parametrize("best", ["#000000", "#fcfcfc", "#e6e6e6"])  # the color of text
def test_nine_lines_and_the_mark_are_told_apart(vision, best):
    lines = [best, *(choose_line_style(n)[0] for n in range(8)), SELECTED_IMAGE]
    assert len(set(lines)) == 10
    lab = see([channels(name) for name in lines], vision)
    differences = deltaE_ciede2000(lab[:, None], lab[None])
    assert differences[~numpy.eye(len(lines), dtype=bool)].min() >= 10


def test_more_lines_have_other_styles():
    assert len({choose_line_style(n) for n in range(32)}) == 32
    assert {choose_line_style(n)[1] for n in range(8)} == {"-"}


@pytest.mark.parametrize("vision", _VISION)
def test_invalid_pixels_have_a_color_that_no_picture_has(vision):
    levels = numpy.linspace(0, 1, 33)
    pictures = [
        numpy.repeat(levels[:, None], 3, axis=1),
        matplotlib.colormaps["coolwarm"](levels)[:, :3],
        overlay(*numpy.meshgrid(levels, levels))[..., :3].reshape(-1, 3) / 255,
    ]
    invalid = see([numpy.array(INVALID) / 255], vision)
    for picture in pictures:
        assert deltaE_ciede2000(invalid, see(picture, vision)).min() >= 10


@pytest.mark.parametrize("vision", _VISION)
def test_the_ends_of_differences_are_told_apart(vision):
    low, middle, high = see(matplotlib.colormaps["coolwarm"]([0.0, 0.5, 1.0])[:, :3], vision)
    assert deltaE_ciede2000(low, high) >= 30
    assert min(deltaE_ciede2000(low, middle), deltaE_ciede2000(middle, high)) >= 20


def test_text_on_any_color_is_legible():
    for channel in range(0, 256, 5):
        for color in (qt.QColor(channel, channel, channel), qt.QColor(255 - channel, channel, 90)):
            assert contrast(find_text_color(color), color) >= 4.5
