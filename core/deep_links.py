"""What a deep link of the paper bill looks like, so that it is known wherever it is typed or pasted."""

import re
from typing import Final

TOKEN_CHARS_MAX: Final = 64
PAPER_PREFIX: Final = "bill-"

_PAPER: Final = re.compile(
    rf"(?<![\w-]){PAPER_PREFIX}[A-Za-z0-9_-]{{20,{TOKEN_CHARS_MAX - len(PAPER_PREFIX)}}}(?![\w-])"
)
_SEARCHED_CHARS_MAX: Final = 500


def paper_link_in(typed: str) -> str | None:
    """The paper bill's token in *typed*, alone or within a pasted address; None if there is none."""
    found = _PAPER.search(typed[:_SEARCHED_CHARS_MAX])
    return found.group() if found else None
