"""Names in sentences and on buttons."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

from silx.gui import qt

from ewoksndreg.gui._labels import make_label
from ewoksndreg.gui._labels import shorten


def test_a_heading_shows_the_ends_of_a_long_name():
    assert shorten("a" * 7 + "-middle-" + "b" * 7) == "a" * 7 + "…" + "b" * 7
    assert shorten("Ca & Fe") == "Ca & Fe"


def test_a_label_shows_a_name_as_it_is_and_does_not_widen_the_window(application):
    window = qt.QWidget()
    label = make_label(window)
    qt.QVBoxLayout(window).addWidget(label)
    label.setText("<b>" + "x" * 1000)
    assert label.textFormat() == qt.Qt.PlainText
    assert window.minimumSizeHint().width() < 200
