"""`python -m mrrc_arrow` is the `mrrc-arrow` command."""

import sys

from mrrc_arrow._cli import main

sys.exit(main())
