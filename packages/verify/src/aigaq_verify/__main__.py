"""`python -m aigaq_verify CLIP.zip`."""

import sys

from aigaq_verify.cli import main

if __name__ == "__main__":
    sys.exit(main())
