# One resident, several messengers: the code, joining, undoing it.

join-button = Another messenger
join-invitation =
    You can go on in another messenger: your accounts and their names will be there too.
    Open the chat with us there and send this code. You can copy it.
join-code = `{ $code }`
join-until = The code works once, until { $until }. Do not give it to anyone: it opens your accounts.
join-with = Already joined with this chat: { $channel }
join-consent-first = You came with a code from another messenger. One consent is left, for this chat.
join-sure =
    Join this chat with the one where the code was made ({ $channel })? Your accounts and those of that chat will be seen in both.
    If somebody else sent you the code, press “Cancel”.
join-yes-button = Yes, join
join-done = Done. This chat and the one where the code was made ({ $channel }) are joined now.
join-accounts = { $count ->
    [0] No accounts yet.
    [one] { $count } account is linked.
   *[other] { $count } accounts are linked.
 }
join-own-code = This code was made here. Send it to us in another messenger.
join-already = This chat and the one where the code was made are joined already.
join-too-many = { $most ->
    [one] Together that would be more than { $most } account, which is the most. Unlink one in “My accounts” and send the code again.
   *[other] Together that would be more than { $most } accounts, which is the most. Unlink some in “My accounts” and send the code again.
 }
join-no-such-code = This code does not fit: it was used, has expired or is not whole. Get a new one in the other messenger: “Help”, then “Another messenger”.
join-added = One more chat ({ $channel }) was joined to your accounts by a code from this or another chat of yours. Is it you?
join-leave-button = Disconnect
join-leave-sure = Disconnect this chat from the others? No accounts will be left here. Accounts that were confirmed in this chat will be gone from the others too; they can be linked again.
join-leave-yes-button = Yes, disconnect
join-left = This chat is disconnected. To see accounts here again, link them.
join-undone = That chat is disconnected and no longer sees your accounts.
join-was-undone = This chat was disconnected: another chat of yours says it does not know it. To see accounts here again, link them.
join-nothing-to-undo = That chat is disconnected already.
