"""Stand-ins of the messengers, and the page on which a resident's side of them is played."""
