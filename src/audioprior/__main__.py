"""`python -m audioprior` is the command."""

from audioprior.cli import main

main()
