"""``python -m ewoksndreg``: see :mod:`ewoksndreg.command`."""

import sys

from .command import main

sys.exit(main())
