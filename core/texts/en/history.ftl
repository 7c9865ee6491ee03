# History of charges and payments.

history-title = *Charges and payments of 12 months*
history-none = There are no charges or payments in the last 12 months.
history-bill = { $period }: charged { $amount }
history-credit = { $period }: { $amount } returned by recalculation
history-payment = { $day }: paid { $amount } { $way }
history-refund = { $day }: payment of { $amount } returned
history-way = { $way ->
    [acquirer] online
    [bank] through a bank
    [post] at the post office
    [cash] at the cash desk
    [payroll] from wages
    [terminal] at a terminal
   *[other] in another way
}
history-month-button = { $period }
page-newer-button = ‹ Newer
page-older-button = Older ›
