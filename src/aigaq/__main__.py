"""`python -m aigaq` is `aigaq`."""

from aigaq.app.cli import main

if __name__ == "__main__":  # processes that it starts import this module too
    main()
