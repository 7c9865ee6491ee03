# История начислений и платежей.

history-title = *Начисления и платежи за 12 месяцев*
history-none = За последние 12 месяцев начислений и платежей нет.
history-bill = { $period }: начислено { $amount }
history-credit = { $period }: возвращено перерасчётом { $amount }
history-payment = { $day }: оплачено { $amount } { $way }
history-refund = { $day }: возврат платежа { $amount }
history-way = { $way ->
    [acquirer] онлайн
    [bank] через банк
    [post] на почте
    [cash] в кассе
    [payroll] из зарплаты
    [terminal] через терминал
   *[other] другим способом
}
history-month-button = { $period }
page-newer-button = ‹ Новее
page-older-button = Раньше ›
