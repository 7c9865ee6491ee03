"""Telegram's Bot API as a bot meets it, and the residents at the other end."""

from bots.simulator.telegram.limits import Faults
from bots.simulator.telegram.stand_in import TelegramStandIn

__all__ = ["Faults", "TelegramStandIn"]
