"""Where Qt is missing, the import says what to install."""

import subprocess
import sys


def test_the_import_names_the_extra_where_there_is_no_qt():
    script = (
        "import sys\n"
        "sys.modules['silx.gui.qt'] = None\n"  # as if it could not be imported
        "try:\n"
        "    import ewoksndreg.gui\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    process = subprocess.run(  # noqa: S603  (a constant command)
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert (
        'need Qt and the plots of silx: pip install ".[orange]" in the folder of the sources'
        in process.stdout
    )
