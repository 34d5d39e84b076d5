"""The shipped rules and the console's texts, read once for all tests of a process: nobody changes them, and reading costs."""

from functools import cache

from alerts.console import ConsoleTexts, load_console_texts
from alerts.rules import Rules, read_rules
from churnwatch.settings import CONFIG_DIR


@cache
def shipped_rules() -> Rules:
    """What `read_rules()` gives where nothing is configured."""
    return read_rules()


@cache
def console_texts() -> ConsoleTexts:
    return load_console_texts(CONFIG_DIR)
