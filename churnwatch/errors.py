"""A mistake or a missing service that a person can mend: shown as a message, never as a traceback."""


class UserError(Exception):
    """Says what was wrong, where, and what to do. The command line prints it and exits with code 1."""
