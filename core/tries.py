"""How often a proof may be tried: a verdict on what was tried before, whoever's numbers were typed.

Only wrong tries count. The bounds are the centre's own (privacy and access, enumeration and abuse).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)

# So many wrong tries of one chat within so long.
CHAT_HOUR_MAX: Final = 5
CHAT_DAY_MAX: Final = 20
# So many wrong tries of one number within a day, from any chats, and its linking is closed for a day.
NUMBER_DAY_MAX: Final = 10
NUMBER_HOLD: Final = DAY
# So many wrong tries on a channel within an hour, and the channel's linking rests, each time twice as long.
CHANNEL_HOUR_MAX: Final = 200
CHANNEL_HOLD_FIRST: Final = timedelta(minutes=15)
CHANNEL_HOLD_MOST: Final = DAY
# So many wrong tries anywhere within so long are for staff to look at.
ALARM_MAX: Final = 50
ALARM_SPAN: Final = timedelta(minutes=10)


class Hold(msgspec.Struct, frozen=True):
    """No tries before *until*; it *lasted* so long."""

    until: datetime
    lasted: timedelta


class Tried(msgspec.Struct, frozen=True):
    """What was tried before: times of wrong tries, newest first, and the latest holds.

    Of the chat and the number within a day; of the channel within an hour and since its last hold.
    """

    chat: Sequence[datetime] = ()
    number: Sequence[datetime] = ()
    channel: Sequence[datetime] = ()
    number_hold: Hold | None = None
    channel_hold: Hold | None = None


def blocked_until(tried: Tried, at: datetime) -> datetime | None:
    """When a try made *at* would be let in again; None if it is let in now."""
    ends = [hold.until for hold in (tried.number_hold, tried.channel_hold) if hold is not None]
    for most, span in ((CHAT_HOUR_MAX, HOUR), (CHAT_DAY_MAX, DAY)):
        if len(tried.chat) >= most:
            ends.append(tried.chat[most - 1] + span)
    return max((end for end in ends if end > at), default=None)


def number_hold(tried: Tried, at: datetime) -> Hold | None:
    """The hold that the number comes under by a wrong try made *at*, which is in *tried* already."""
    recent = [wrong for wrong in tried.number if wrong > at - DAY]
    return Hold(at + NUMBER_HOLD, NUMBER_HOLD) if len(recent) >= NUMBER_DAY_MAX else None


def channel_hold(tried: Tried, at: datetime) -> Hold | None:
    """The hold that the channel comes under by a wrong try made *at*, which is in *tried* already."""
    since = tried.channel_hold.until if tried.channel_hold else at - DAY
    recent = [wrong for wrong in tried.channel if wrong > at - HOUR and wrong >= since]
    if len(recent) < CHANNEL_HOUR_MAX:
        return None
    lasts = CHANNEL_HOLD_FIRST
    if tried.channel_hold and tried.channel_hold.until > at - DAY:
        lasts = min(tried.channel_hold.lasted * 2, CHANNEL_HOLD_MOST)
    return Hold(at + lasts, lasts)
