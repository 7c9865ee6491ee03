"""KvitokError and the faults that the core can name."""


class KvitokError(Exception):
    """Anything that Kvitok itself declares wrong; worded for whoever can act on it."""


class ForgedWebhookError(KvitokError):
    """What proves a webhook's sender (signature, secret) does not match."""

    def __init__(self, channel: str) -> None:
        super().__init__(f"{channel}: the webhook's proof of its sender does not match")
        self.channel = channel


class UnusableUpdateError(KvitokError):
    """An authentic webhook whose body cannot be read."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(f"{channel}: {reason}")
        self.channel = channel
        self.reason = reason


class ChannelMisconfiguredError(KvitokError):
    """A channel's settings can never work; said at start, before anything is sent."""

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(f"{channel}: {reason}")
        self.channel = channel
        self.reason = reason


class ChannelFailedError(KvitokError):
    """A messenger refused a call or did not answer it. *reason* is free of tokens and addresses of residents."""

    def __init__(self, channel: str, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{channel}: {reason}")
        self.channel = channel
        self.reason = reason
        self.retry_after_s = retry_after_s
