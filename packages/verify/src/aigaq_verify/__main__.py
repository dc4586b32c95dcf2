"""`python -m aigaq_verify CLIP.zip`."""

import sys

from aigaq_verify.cli import main

sys.exit(main())
