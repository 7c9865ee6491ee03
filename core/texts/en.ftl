# Kvitok's texts. Markup: *bold*, `monospaced`. Sums, dates and months arrive already put into words.

blank = { "" }
menu-button = Menu
cancel-button = Cancel
back-button = Back
more-button = More
choice-line = { $mark } { $label }
choice-link-line = { $label }: { $url }
verbatim = { $text }
