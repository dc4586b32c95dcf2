"""`python -m aigaq` is `aigaq`."""

from aigaq.app.cli import main

main()
