"""VK's API and Callback API as a community's bot meets them, and the residents at the other end."""

from bots.simulator.vk.limits import Faults
from bots.simulator.vk.stand_in import VkStandIn

__all__ = ["Faults", "VkStandIn"]
