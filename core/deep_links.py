"""What deep links look like, so that they are known wherever they are typed or pasted.

The paper bill's is signed, of many uses, and fills a number in; a joining code is random and used once.
"""

import re
from typing import Final

TOKEN_CHARS_MAX: Final = 64
PAPER_PREFIX: Final = "bill-"
JOIN_PREFIX: Final = "join-"

_PAPER: Final = re.compile(
    rf"(?<![\w-]){PAPER_PREFIX}[A-Za-z0-9_-]{{20,{TOKEN_CHARS_MAX - len(PAPER_PREFIX)}}}(?![\w-])"
)
# A code that was cut short is still known for one, so that it can be answered as one.
_JOIN: Final = re.compile(rf"(?<![\w-]){JOIN_PREFIX}[a-z0-9]{{4,40}}(?![\w-])", re.ASCII | re.IGNORECASE)
_SEARCHED_CHARS_MAX: Final = 500


def paper_link_in(typed: str) -> str | None:
    """The paper bill's token in *typed*, alone or within a pasted address; None if there is none."""
    found = _PAPER.search(typed[:_SEARCHED_CHARS_MAX])
    return found.group() if found else None


def join_code_in(typed: str) -> str | None:
    """A joining code in *typed*, in small letters: a phone may have begun it with a capital."""
    found = _JOIN.search(typed[:_SEARCHED_CHARS_MAX])
    return found.group().lower() if found else None
