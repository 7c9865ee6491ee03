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
