# First contact, accounts, consent, settings, help, staff.

channel-name = { $channel ->
    [telegram] Telegram
    [vk] VK
    [ok] Odnoklassniki
    [viber] Viber
    [max] MAX
    [alice] Alice
   *[other] another messenger
 }

chat-page-title = Go on: { $channel }
chat-page-button = Open

privacy-not-here = This answer holds personal data, and the law does not let us send it to this messenger.
privacy-shown-once = Press “Show”: the answer opens on a page of the billing centre. The link works for 10 minutes and opens once.
privacy-show-button = Show
privacy-news = There is news about your account. The law does not let us send it to this messenger. Press “Show” and we will send a link.
privacy-news-gone = This news is gone: it is outdated, or the account was unlinked.

# --- Menu

menu-balance-button = Balance
menu-pay-button = Pay
menu-readings-button = Readings
menu-history-button = History
menu-accounts-button = My accounts
menu-help-button = Help
menu-link-button = Link an account
menu-contacts-button = Contacts
menu-language-button = Язык / Language
menu-privacy-button = About my data
menu-linked = { $account }
    What would you like to see?
menu-plain = What would you like to see?
menu-unlinked = Here you can see what is due, send meter readings and pay the bill. To begin, link an account.
menu-in-group = In a shared chat I answer only general questions. About your account please write to me privately, so that nobody else sees your data.
menu-cancelled = All right, cancelled. Nothing has changed.
menu-nothing-to-cancel = There is nothing to cancel now.

# --- Consent

consent-text =
    To show your charges and take your readings we need your consent to processing personal data.
    Who: { $centre }.
    What: the account number, charges and payments, meter readings, this chat.
    What for: to answer you here.
    How long: until you withdraw it. You can withdraw it at any time: write “erase my data”.
    Consent, version { $version }.
consent-agree-button = I agree
consent-decline-button = No, thanks
consent-document-button = Full text
consent-thanks = Thank you, your consent is recorded.
consent-already = Your consent is recorded already.
consent-changed = The text of the consent has changed. Please read the new one.
consent-unclear = Please press “I agree” or “No, thanks”.
consent-declined = All right. Nothing about you has been recorded. Help and the centre's contacts work anyway. Should you change your mind, press “Link an account”.

# --- Linking an account

link-ask-number = Type the account number. It is printed at the top of the bill.
link-no-number = I see no number here. An account number has digits only, 5 to 20 of them.
link-number-from-bill = The account number was taken from the link on the bill.
link-token-outlived = This link from a bill is no longer valid.
link-or-phone = Or send your phone number. If the centre has it on file for your account, you need nothing else. We do not keep the number.
link-phone-button = Send my number
link-phone-unknown = The centre has no account on file for this phone number. Please link your account by the bill.
link-phone-not-yours = Only a number of your own can confirm an account. Send it with the button, or link your account by the bill.
link-done-several = { $count ->
    [one] Done, { $count } account is linked:
   *[other] Done, { $count } accounts are linked:
 }
link-begin-anew = Let us start again.
link-ask-proof = Now confirm that the account is yours. What do you have at hand?
link-choose = Please choose one of the ways.
link-by-total-button = Total on a bill
link-by-code-button = Code on the bill
link-by-meter-button = Meter reading
link-other-proof-button = Another way
link-other-number-button = Another number
link-ask-total =
    Type the total (“Итого к оплате” on the paper) of any of the last three bills, exact to the kopeck.
    For example: 4 321,09
link-ask-code = Type the linking code. It is printed on the bill beside the account number.
link-ask-meter =
    Type the last 5 digits of the serial number of any meter and, after a space, its last reading.
    For example: 56342 123,4
link-proof-unreadable = I could not make that out.
link-not-proven =
    We could not confirm the account. Check the account number and what you typed, and try again.
    You can also choose another way or another number.
link-blocked =
    Too many failed tries. Try again after { $until }.
    The centre can help sooner: call, or come with your passport and a bill.
link-done =
    Done, the account is linked.
    { $account }
link-done-plainly = Done, the account is linked.
link-already =
    You have this account already; it is chosen now.
    { $account }
link-already-plainly = You have this account already; it is chosen now.
link-too-many-accounts = { $most ->
    [one] No more than { $most } account can be linked. Unlink one in “My accounts”.
   *[other] No more than { $most } accounts can be linked. Unlink one in “My accounts”.
 }
link-too-many-residents = { $most ->
    [one] { $most } person is linked to this account already, there can be no more. Please contact the centre.
   *[other] { $most } people are linked to this account already, there can be no more. Please contact the centre.
 }
link-frozen = Another resident has suspended access to this account. Please contact the centre to sort it out.
link-added =
    A new chat ({ $channel }) was linked to your account. Is it you or one of your family?
    { $account }
link-added-plainly = A new chat ({ $channel }) was linked to your account. Is it you or one of your family?
link-mine-button = It is me
link-not-mine-button = It is not me
link-mine = Good, thank you.
link-frozen-now = The new chat has no access any more. The centre's staff will look into it, case No. { $case }.
link-was-frozen = Access to the account is suspended: another resident says that they do not know this chat. If this is a mistake, please contact the centre.
link-unfrozen =
    The centre has given you access to the account again.
    { $account }
link-unfrozen-plainly = The centre has given you access to the account again.
link-nothing-to-freeze = That chat is not linked any more, or was linked before yours. If something worries you, ask for staff.

# --- My accounts

account-named = *{ $name }*: { $address } (account { $number })
account-unnamed = { $address } (account { $number })
account-list = Your accounts. Press the one that you want to know about.
account-line = { $place }. { $account }
account-line-current = { $place }. { $account } — chosen
account-line-frozen = { $place }. { $account } — access suspended
account-one = 1 account is linked.
account-none = You have no linked accounts yet.
account-button = { $label }
account-button-neutral = Account { $place }
account-add-button = Link another
account-gone = This account is not linked any more.
account-chosen =
    Chosen account:
    { $account }
account-chosen-plainly = The account is chosen.
account-frozen = Another resident has suspended access to this account. Please contact the centre to sort it out.
account-rename-button = Name it
account-no-name-button = No name
account-ask-name = What shall this account be called? For example: home, dacha, mum. Up to { $most } letters.
account-name-unfit = That name does not fit. Please type a short one, up to { $most } letters.
account-renamed = The account is called “{ $name }” now.
account-renamed-plainly = The name is saved.
account-name-taken-away = The name is removed.
account-unlink-button = Unlink
account-unlink-which = Which account shall we unlink?
account-unlink-sure =
    Unlink this account from the chat? Payments and readings stay.
    { $account }
account-unlink-sure-plainly = Unlink this account from the chat? Payments and readings stay.
account-unlink-yes-button = Yes, unlink
account-unlinked = The account is unlinked.

# --- Settings and data

settings-language = Выберите язык. Choose a language.
settings-russian-button = Русский
settings-english-button = English
settings-language-set = We speak English now.
settings-policy-button = Policy
settings-privacy =
    { $centre } processes the data. We keep the link between this chat and your account, your consent (version { $version }), the readings and the questions that you sent. Charges and payments are kept by law, with or without this bot.
    We show no more than is needed: addresses and numbers are partly hidden. In shared chats we do not speak of accounts.
    We never ask for cards or passwords.
settings-data-button = What is kept about me
settings-erase-button = Erase my data
settings-data-none = Nothing is kept about you.
settings-data = This is what is kept about you.
settings-data-account = Account: { $account }
settings-data-channel = Messenger: { $channel }
settings-data-consent = Consent: version { $version }, given { $given } ({ $channel })
settings-data-consent-withdrawn = Consent: version { $version }, given { $given } ({ $channel }), withdrawn { $withdrawn }
settings-data-readings = Readings sent: { $count }
settings-data-cases = Questions to staff: { $count }
settings-data-receipts = A phone number or e-mail for fiscal receipts (encrypted)
settings-data-billing = Charges, payments and meters of an account come from the billing centre.
settings-erase-sure = Erase your data? All accounts will be unlinked, this chat forgotten, your questions removed. It cannot be undone, but you can link an account anew.
settings-erase-stays = By law charges, payments and accepted readings stay (without your chat), and the record that consent was given and withdrawn.
settings-erase-yes-button = Yes, erase
settings-erased = Done. Consent is withdrawn, accounts are unlinked, the chat will be erased right after this message. The number of your request: { $number }.
settings-stopped = All right, we will no longer write first. We answer your questions as before. You can also unlink an account or erase your data.
settings-resume-button = Write again
settings-resumed = All right, we will write about what matters again.

# --- Help

help-greeting = Hello. This is { $centre }.
help-greeting-more = Here you can see what is due, send meter readings and pay the bill.
help-text =
    Press buttons or write in words:
    • “balance”: what is due and by when
    • “readings”, or at once “cold 123, hot 45”
    • “pay”: a link to pay by
    • “history”: charges and payments of a year
    • “accounts”: choose, name, unlink
    • “staff”: ask a person
    “Menu” takes you back to the start, “Cancel” stops what you began.
help-in-group = In a shared chat I can tell the phone and the hours. About accounts, readings and payments please write to me privately.
help-staff-button = Ask staff
help-unknown-text = I did not understand. Write, for example, “balance” or “readings”, or choose a button. For a person write “staff”.
help-thanks = You are welcome.
help-long-text = This is too long for me to make out. Write one line, or press “Help” and ask staff.
help-old-button = This button is out of date. Here is what can be done now.
help-voice = I cannot hear voice messages. Please write in words.
help-photo = I cannot read a picture. Please write in words.
help-contact = I do not need your phone number and have not kept it. Please write in words.
help-unreadable = { $kind ->
    [sticker] Nice sticker, but I cannot read stickers. Please write in words.
    [location] A place on the map will not help me. Please write in words.
    [document] I do not open files. Please write in words.
    [file] I do not open files. Please write in words.
   *[other] I cannot read such a message. Please write in words.
 }
help-goes-on = I am waiting for the answer to my last question. Answer it or press “Cancel”.

contacts-name = *{ $name }*
contacts-phone = Phone: { $phone }
contacts-address = Address: { $address }
contacts-hours = Hours: { $hours }
contacts-site = Website: { $site }

# --- Staff

staff-ask = Write in one message what it is about. You may add a photo. Do not send passwords or card data.
staff-asked = Passed on to staff, case No. { $case }. The answer will come here.
staff-cut = The message is long: I passed on the first { $most } characters.
staff-answer =
    The answer to your question, case No. { $case }:
    { $answer }
staff-answer-plainly = Staff answered your question, case No. { $case }. The answer may hold personal data, which the law does not let us send to this messenger. Press “Show” and we will send a link.
staff-again-button = Ask again

# --- The page of a one-time link

shown-page-title = An answer of the billing centre
shown-page-hint = Press “Show” and the answer opens here. The link works once: afterwards only this browser can open it, and only for 10 minutes.
shown-page-goes-on = The buttons of this answer are in the chat.
shown-page-bill = 📄 Download the bill for {$period}
shown-page-qr = QR code to pay {$amount}
shown-page-charts = Charts of charges and use up to {$period}
shown-page-gone = This link no longer works
shown-page-gone-hint = It opens once and lives for 10 minutes. Go back to the chat and ask again: a new one will come.
