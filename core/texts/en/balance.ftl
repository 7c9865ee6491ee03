# Balance and bill. Debt and advance in words, no minus sign anywhere.

balance-account = Account `{ $number }`
balance-account-named = Account `{ $number }` · { $name }
balance-no-bill = There are no bills for this account yet. The first one will appear here early next month.
balance-clear = *All paid.* You owe nothing.
balance-advance = *You have { $amount } in advance.* No need to pay now: it goes towards the next bill.
balance-due = *{ $amount } to pay*
balance-overdue = of which overdue: { $amount }
balance-penalty = of which penalties: { $amount }
balance-all-late = It was due by { $day }.
balance-due-on = Please pay by { $day } inclusive.
balance-free-until = If you pay the debt by { $day }, there will be no penalty.
balance-penalty-grows = If you pay later, penalties grow: about { $amount } more by { $day }.
balance-differs = How we got this sum: the bill for { $period } said { $billed } and counted payments until { $counted-until }; { $paid } has arrived since. The billing centre is comparing the books.
balance-differs-advance = How we got this sum: the bill for { $period } said { $billed } in advance and counted payments until { $counted-until }; { $paid } has arrived since. The billing centre is comparing the books.

bill-button = Details
history-button = History
pay-button = Pay
pay-sum-button = Pay { $amount }
pay-ahead-button = Pay in advance
page-back-button = ‹ Back
page-on-button = Next ›
bill-details-button = Tariffs and use

bill-title = *Bill for { $period }*
bill-and = *How it adds up*
bill-charged = Charged for { $period }
bill-debt = Debt on { $day }
bill-advance = In advance on { $day }
bill-paid = Paid until { $day }
bill-penalty = Penalties
bill-total = To pay
bill-total-advance = In advance
bill-due-on = Due by { $day } inclusive.
bill-back = { $amount } returned
bill-none-yet = There are no bills for this account yet.
bill-none = We have no bill for { $period }.

bill-details-title = *How { $period } was calculated* ({ $page } of { $pages })
bill-line = *{ $name }* — { $payable }
bill-line-how = { $volume } { $unit } { $how }, tariff { $tariff }
bill-fine-tariff = { $tariff } ₽
bill-line-provider = Provider: { $provider }
bill-line-more = Recalculation: { $amount } added
bill-line-more-why = Recalculation: { $amount } added ({ $reason })
bill-line-less = Recalculation: { $amount } taken off
bill-line-less-why = Recalculation: { $amount } taken off ({ $reason })
bill-line-benefit = Benefit: { $amount } taken off
bill-line-penalty = Penalty: { $amount }
bill-method = { $method ->
    [M] by meter
    [N] by norm
    [A] by average use
   *[O] as calculated
}
