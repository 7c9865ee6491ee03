"""MAX's Bot API as a bot meets it, and the residents at the other end."""

from bots.simulator.max.limits import Faults
from bots.simulator.max.stand_in import MaxStandIn

__all__ = ["Faults", "MaxStandIn"]
