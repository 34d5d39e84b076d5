"""`python -m churnwatch`."""

from churnwatch.cli import main

if __name__ == "__main__":
    main()
