"""Viber's REST bot API as a bot meets it, and the residents at the other end."""

from bots.simulator.viber.limits import Faults
from bots.simulator.viber.stand_in import ViberStandIn

__all__ = ["Faults", "ViberStandIn"]
