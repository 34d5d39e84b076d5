"""The web console: inbox, customer page, actions. Pages are made on the server and work without JavaScript."""

from alerts.console.app import create_console
from alerts.console.config import LOOPBACK_HOSTS, ConsoleConfig
from alerts.console.page_texts import ConsoleTexts, load_console_texts

__all__ = ["LOOPBACK_HOSTS", "ConsoleConfig", "ConsoleTexts", "create_console", "load_console_texts"]
