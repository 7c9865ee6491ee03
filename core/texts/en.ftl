# Kvitok's texts. Markup: *bold*, `monospaced`. Sums, dates and months arrive already put into words.

blank = { "" }
menu-button = Menu
cancel-button = Cancel
back-button = Back
more-button = More
choice-line = { $mark } { $label }
choice-link-line = { $label }: { $url }
verbatim = { $text }
more-choices = More choices:
sent-again = Sending this again: we are not sure that it reached you.

stage-lost = We were updated and lost the thread of our talk. Sorry! Let us start afresh.
too-many-waiting = Too many messages came at once, and we did not read the last of them. Please wait a little and send them again.
incident = Something broke on our side, not on yours. Nothing is lost, please try again. If it does not help, give the staff this number: { $number }.

command-menu = Menu
command-help = Help and contacts
command-privacy = Personal data
