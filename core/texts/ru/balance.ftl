# Баланс и квитанция. «Долг» и «переплата» словами, знака минус нет нигде.

balance-account = Лицевой счёт `{ $number }`
balance-account-named = Лицевой счёт `{ $number }` · { $name }
balance-no-bill = Квитанций по этому счёту пока нет. Первая появится здесь в начале следующего месяца.
balance-clear = *Всё оплачено.* Долга нет.
balance-advance = *Переплата { $amount }.* Платить сейчас не нужно: она зачтётся в следующей квитанции.
balance-due = *К оплате { $amount }*
balance-overdue = из них просрочено: { $amount }
balance-penalty = из них пени: { $amount }
balance-all-late = Срок оплаты прошёл: платить нужно было до { $day }.
balance-due-on = Оплатите до { $day } включительно.
balance-free-until = Если оплатить долг до { $day }, пеней не будет.
balance-penalty-grows = Если платить позже, пени растут: к { $day } прибавится примерно { $amount }.
balance-differs = Сумма посчитана так: в квитанции за { $period } было { $billed }, платежи в ней учтены до { $counted-until }, после этого получено { $paid }. Расчётный центр сверяет данные.
balance-differs-advance = Сумма посчитана так: в квитанции за { $period } была переплата { $billed }, платежи в ней учтены до { $counted-until }, после этого получено { $paid }. Расчётный центр сверяет данные.

bill-button = Подробнее
history-button = История
pay-button = Оплатить
pay-sum-button = Оплатить { $amount }
pay-ahead-button = Внести сумму
page-back-button = ‹ Назад
page-on-button = Дальше ›
bill-details-button = Тарифы и объёмы

bill-title = *Квитанция за { $period }*
bill-and = *Как сложилась сумма*
bill-charged = Начислено за { $period }
bill-debt = Долг на { $day }
bill-advance = Переплата на { $day }
bill-paid = Оплачено до { $day }
bill-penalty = Пени
bill-total = К оплате
bill-total-advance = Переплата
bill-due-on = Срок оплаты: до { $day } включительно.
bill-back = возврат { $amount }
bill-none-yet = Квитанций по этому счёту пока нет.
bill-none = Квитанции за { $period } у нас нет.

bill-details-title = *Как посчитано за { $period }* ({ $page } из { $pages })
bill-line = *{ $name }* — { $payable }
bill-line-how = { $volume } { $unit } { $how }, тариф { $tariff }
bill-fine-tariff = { $tariff } ₽
bill-line-provider = Поставщик: { $provider }
bill-line-more = Перерасчёт: добавлено { $amount }
bill-line-more-why = Перерасчёт: добавлено { $amount } ({ $reason })
bill-line-less = Перерасчёт: вычтено { $amount }
bill-line-less-why = Перерасчёт: вычтено { $amount } ({ $reason })
bill-line-benefit = Льгота: вычтено { $amount }
bill-line-penalty = Пени: { $amount }
bill-method = { $method ->
    [M] по счётчику
    [N] по нормативу
    [A] по среднему расходу
   *[O] по расчёту
}
