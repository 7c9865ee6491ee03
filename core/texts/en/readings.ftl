# Meters and readings.

meter-cold-water = Cold water
meter-cold-water-short = Cold
meter-hot-water = Hot water
meter-hot-water-short = Hot
meter-electricity = Electricity
meter-electricity-short = Power
meter-gas = Gas
meter-gas-short = Gas
meter-heating = Heating
meter-heating-short = Heat
meter-other = Meter
meter-other-short = Meter

place-kitchen = kitchen
place-bath = bath
place-bathroom = bathroom
place-toilet = toilet
place-corridor = corridor
place-hall = hallway

zone-day = day
zone-night = night
zone-peak = peak
zone-half-peak = half-peak
unit-cubic-metre = m³
unit-square-metre = m²
unit-kilowatt-hour = kWh
unit-gigacalorie = Gcal

meter-name = { $service }, { $serial }
meter-name-place = { $service }, { $place }, { $serial }
meter-name-short = { $service } { $serial }
meter-name-zone = { $name }, { $zone }
meter-example = { $name } { $value }
meter-example-two = { $first }, { $second }
meter-example-place = { $service } { $place }
meter-values-one = { $first }
meter-values-two = { $first } / { $second }
meter-values-three = { $first } / { $second } / { $third }

meter-button = { $name }
meter-button-sent = ✓ { $name }
meter-choice-button = { $name }
meter-all-button = All meters

# The card of all meters
meter-card-heading = *Meters*
meter-card-sent = *{ $name }*
    ✓ { $values } { $unit }, sent { $at }, for the bill of { $period }
meter-card-missing = *{ $name }*
    — not sent yet for { $period }, awaited until { $closes-on }
meter-card-smart = *{ $name }*
    Sends its readings itself
meter-card-not-commissioned = *{ $name }*
    Not commissioned yet
meter-card-closed = *{ $name }*
    Removed on { $closed-on }
meter-card-last = Last reading: { $values } { $unit } ({ $on })
meter-card-verification = Verified until { $due-on }
meter-card-lesser-sent = ✓ { $name }
meter-card-lesser-missing = — { $name }
meter-card-hint = Press a meter, or type all readings in one message, for instance: “{ $example }”.
meter-none = No meters are on record for this account. If you have them, ask staff: we will check the papers.
meter-verification-expired = ⚠ The verification expired on { $due-on }. We accept your readings, but you will be charged by average use until the meter is verified or replaced.
meter-verification-soon = ⚠ The verification expires on { $due-on }. After that you will be charged by average use: have the meter verified or replaced in time.

# Asking for a value
reading-ask = *{ $name }*. What does the meter show now?
reading-ask-last = Last reading: { $value } { $unit } ({ $on })
reading-ask-sent = Sent already this month: { $value } { $unit }. A new value will replace it.
reading-ask-whole = The digits before the comma are enough.
reading-ask-fraction = Type the fraction too, if there is one: 123,456.
reading-skip-button = Skip
reading-which-meter = Which meter shows { $typed }?
reading-which-to-correct = Which meter’s reading is to be corrected to { $typed }?
reading-queued = We will ask about { $typed } next.
reading-choose = I did not understand. Choose the meter with a button, or type where it is.
reading-placed = ✓ { $name }: { $value }
reading-unplaced = We could not tell which meter this is for: { $typed }. Please send it on its own.
reading-unclear = We could not tell which number is for which meter.
reading-not-consumption = “{ $typed }” looks like the amount used. We need the reading itself: all the digits on the meter now.
reading-negative = A meter never shows less than zero. If it shows { $value }, type { $value } without the minus.
reading-type-again = All right, nothing was saved. Type the readings again or choose a meter.
reading-nothing-left = This month's readings have been sent already.

# The confirm card
reading-confirm-heading = *Please check the readings*
reading-use = { $name }: *{ $value }* { $unit }
    was { $previous }, used { $consumption } { $unit }
reading-use-first = { $name }: *{ $value }* { $unit }
reading-confirm-lesser = { $name }: { $value }
reading-cost = About { $cost }
reading-high = ⚠ { $consumption } { $unit } is much more than usual.
reading-zero-again = Nothing has been used for { $months ->
    [one] { $months } month
   *[other] { $months } months
} in a row. Is the flat empty?
reading-late = Readings for { $missed } are closed: this one goes into the bill of { $counted }.
reading-corrects = Replaces what was sent before: { $earlier }.
reading-corrects-zone = { $zone }: replaces what was sent before: { $earlier }.
reading-corrected = { $name }: corrected from { $earlier } to { $value }.
reading-rolled-over = The meter has passed zero and started again; we have allowed for that.
reading-hot-above-cold = More hot water than cold. That happens, but please check that the meters are not mixed up.
reading-understood-as = “{ $typed }” was read as { $value }.
reading-in-order = The numbers were taken in the order of the meters.
reading-same = { $name }: unchanged since last time.
reading-unchanged = The readings are the same, so nothing was used this month. If a meter did move, press “Correct”.
reading-swapped = These two readings looked swapped: { $first } and { $second }. We put them the other way round, please check.
reading-overtaken = Something changed while you were answering. Please check again.
reading-save-question = Save?
reading-sure = Are you sure?
reading-save-button = Save
reading-sure-button = Yes, that is right
reading-fix-button = Correct
reading-as-typed-button = Leave as typed

# What is wrong
reading-closed = { $name }: the meter was removed on { $closed-on }; its readings are no longer needed.
reading-not-commissioned = { $name }: the meter has not been commissioned yet, so its readings do not count. Commissioning is free: please contact the billing centre.
reading-smart = { $name }: the meter sends its readings itself, nothing is needed from you.
reading-too-many-digits = { $name }: { $value } does not fit the meter, which has { $digits ->
    [one] { $digits } digit
   *[other] { $digits } digits
} before the comma. Please type it again.
reading-too-many-red = { $name }: { $value } has too many digits after the comma, the meter has { $digits }. Please type it again.
reading-already = { $name }: { $values } { $unit } was received on { $at }, for the bill of { $period }.
reading-locked = { $name }: the reading { $value } { $unit } is in a bill already. Only staff can change it.
reading-below-last = { $name }: { $value } is less than the last reading ({ $last } { $unit }). Please check that it is the right meter and was not replaced, and type it again.
reading-impossible = { $name }: { $consumption } { $unit } used is too much to accept right away. We passed it to staff, case No. { $number }. Please send a photo of the meter. If it was a slip, just type the right reading.
reading-correct-earlier = { $name }: the last reading is in a bill already, only staff can change it. Shall we pass your value on?
# The same for messengers that may not carry earlier readings and dates.
reading-high-plainly = ⚠ This is much more than usual.
reading-closed-plainly = { $name }: the meter was removed; its readings are no longer needed.
reading-already-plainly = { $name }: we have this reading already.
reading-locked-plainly = { $name }: the last reading is in a bill already. Only staff can change it.
reading-below-last-plainly = { $name }: { $value } is less than the last reading. Please check that it is the right meter and was not replaced, and type it again.
reading-impossible-plainly = { $name }: this is too much to accept right away. We passed it to staff, case No. { $number }. Please send a photo of the meter. If it was a slip, just type the right reading.
reading-old-button = This button belongs to an old message. Here is what there is now:

# Staff and photos
reading-staff-button = It is right, ask staff
reading-case = Passed to staff, case No. { $number }. The answer will come here.
reading-photo-please = { $name }: please send a photo of the meter, it speeds things up.
reading-photo-added = The photo was added to case No. { $number }. The answer will come here.
reading-photo-kept = The photo was kept for staff, case No. { $number }.
reading-photo-number = To get the reading into your bill, please type the number.

# The receipt
reading-receipt = ✅ Received { $at }, No. { $number }, for the bill of { $period }
reading-receipt-split = ✅ Received { $at }, No. { $number }
reading-receipt-bill = For the bill of { $period }, can be corrected until { $until }.
reading-correctable = It can be corrected until { $until }: just send a new value.
reading-kept = { $name }: *{ $value }* { $unit }
reading-account = Account: { $name }
reading-still-missing = { $count ->
    [one] { $count } meter is still missing.
   *[other] { $count } meters are still missing.
}
reading-rejected = Reading No. { $number } was not accepted for the bill: { $reason }. Please send it again or ask staff.
reading-rejected-of = Reading No. { $number } was not accepted for the bill ({ $name }): { $reason }. Please send it again or ask staff.
reading-rejected-of-lesser = Reading No. { $number } was not accepted for the bill ({ $name }). Please send it again or ask staff.
reading-rejected-lesser = Reading No. { $number } was not accepted for the bill. Please send it again or ask staff.
