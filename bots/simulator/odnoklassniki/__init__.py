"""Odnoklassniki's Graph API as a group's bot meets it, and the residents at the other end."""

from bots.simulator.odnoklassniki.limits import Faults
from bots.simulator.odnoklassniki.stand_in import OdnoklassnikiStandIn

__all__ = ["Faults", "OdnoklassnikiStandIn"]
