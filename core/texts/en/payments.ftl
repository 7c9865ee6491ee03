# Paying: the link, the sum, what came of it; the pay page.

pay-all = *{ $amount }* is due. Press the button: the billing centre's page will open.
pay-other = You are paying *{ $amount }*. Press the button: the billing centre's page will open.
pay-expires = The link works until { $at }.
pay-link-button = 💳 Go and pay
pay-other-button = Another sum
pay-ask = How much would you like to pay? Type a sum, for example 1500 or 1500.50.
pay-limits = From { $least } to { $most }.
pay-nothing-due = Nothing is due now. If you would like to pay in advance, type a sum.
pay-due-too-little = Less than { $least } is due. The bank does not take such small sums, so it will be part of the next bill. If you would like to pay more, type a sum.
pay-due-too-much = The bank takes no more than { $most } at once. Please pay in parts: type the first sum.
pay-too-little = That is too little: another sum starts from { $least }. Please type the sum again.
pay-too-much = That is too much: up to { $most } at once. Please type the sum again.
pay-no-sum = We could not find a sum there. Type a number only, for example 1500 or 1500.50.
pay-part-kopecks = Kopecks have two digits. Type, for example, 1500.50.
pay-not-positive = The sum has to be more than zero. Type, for example, 1500.
pay-old-button = That button belongs to an earlier bill. This is what is due now.
pay-lost = We lost track of which account you wanted to pay for. Press “Menu” and start again.

payment-received = *Payment received: { $amount }.* Thank you!
payment-received-plainly = *Payment received.* Thank you!
payment-number = Payment number `{ $number }`, { $at }.
payment-refunded = *{ $amount } is being given back.* The money goes where you paid from, usually within three working days.
payment-refunded-plainly = *A payment was given back.* The money goes where you paid from.
payment-refunded-of = It belongs to payment `{ $number }`, { $at }.

# What the payer sees at the bank: no name, no address.
payment-description = Utilities, account { $number }

pay-page-title = Paying the bill
pay-page-sum = To pay
pay-page-account = Account { $number }
pay-page-pay = Pay { $amount }
pay-page-pay-by = Pay { $amount } · { $acquirer }
pay-page-hint = A secure page of the bank will open. The billing centre does not see your card.
pay-page-expires = The link works until { $at }.
pay-page-expired = This link has expired
pay-page-expired-hint = Go back to the chat and press “Pay”: a new link will come.
pay-page-paid = Already paid
pay-page-paid-hint = The payment by this link has arrived. No need to pay again.
pay-page-outlived-hint = The sum that this link was for has been paid. No need to pay it again.
pay-page-waiting = Waiting for the bank
pay-page-waiting-hint = This usually takes less than a minute. As soon as the bank confirms, we will write to the chat.
pay-page-done = Payment received
pay-page-done-hint = Thank you! The confirmation is in the chat, you can close this page.
pay-page-not-paid = The payment did not go through
pay-page-not-paid-hint = No money was taken. You can try again.
pay-page-again = Try again
pay-page-down = The bank is not answering
pay-page-down-hint = Please try in a few minutes: the link works until { $at }.
pay-page-refused = The bank did not take the payment
pay-page-refused-hint = No money was taken. Try another sum, or pay at the centre's cash desk.
pay-page-checked = A member of staff is checking the payment
pay-page-checked-hint = What the bank says does not match our books. No need to pay again: we will look into it and write to the chat.
pay-page-missing = Page not found
pay-page-missing-hint = Check the address, or open the link from the chat again.
page-away = The page cannot be opened now
page-away-hint = Please try again in a minute.

# The fiscal receipt: its lines, and where it is sent.
receipt-penalty = Penalties
receipt-advance = Advance for utilities
pay-page-contact = Phone or e-mail for the receipt
pay-page-contact-email = E-mail for the receipt
pay-page-contact-keep = Remember it for the next receipts. We forget it as soon as you press “Erase my data” in the chat.
pay-page-contact-kept = The receipt will go to { $contact }. To change that, type another one.
pay-page-contact-needed = Where should the receipt go?
pay-page-contact-needed-hint = The bank sends a fiscal receipt. Type a mobile phone number or an e-mail address.
pay-page-contact-needed-email-hint = The bank sends a fiscal receipt by e-mail. Type your address.
