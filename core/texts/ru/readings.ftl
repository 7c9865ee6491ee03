# Счётчики и показания.

meter-cold-water = Холодная вода
meter-cold-water-short = ХВС
meter-hot-water = Горячая вода
meter-hot-water-short = ГВС
meter-electricity = Электричество
meter-electricity-short = Свет
meter-gas = Газ
meter-gas-short = Газ
meter-heating = Отопление
meter-heating-short = Тепло
meter-other = Счётчик
meter-other-short = Счётчик

place-kitchen = кухня
place-bath = ванная
place-bathroom = санузел
place-toilet = туалет
place-corridor = коридор
place-hall = прихожая

zone-day = день
zone-night = ночь
zone-peak = пик
zone-half-peak = полупик
unit-cubic-metre = м³
unit-square-metre = м²
unit-kilowatt-hour = кВт·ч
unit-gigacalorie = Гкал

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
meter-all-button = Все счётчики

# Карточка со всеми счётчиками
meter-card-heading = *Счётчики*
meter-card-sent = *{ $name }*
    ✓ { $values } { $unit }, передано { $at }, войдёт в квитанцию за { $period }
meter-card-missing = *{ $name }*
    — за { $period } ещё не передано, ждём до { $closes-on }
meter-card-smart = *{ $name }*
    Передаёт показания сам
meter-card-not-commissioned = *{ $name }*
    Ещё не введён в эксплуатацию
meter-card-closed = *{ $name }*
    Снят { $closed-on }
meter-card-last = Прошлое показание: { $values } { $unit } ({ $on })
meter-card-verification = Поверка до { $due-on }
meter-card-lesser-sent = ✓ { $name }
meter-card-lesser-missing = — { $name }
meter-card-hint = Нажмите на счётчик или напишите показания одним сообщением, например: «{ $example }».
meter-none = К этому счёту не подключены счётчики. Если они у вас стоят, позовите сотрудника: проверим документы.
meter-verification-expired = ⚠ Срок поверки истёк { $due-on }. Показания мы примем, но начислять будут по среднему, пока счётчик не поверят или не заменят.
meter-verification-soon = ⚠ Срок поверки истекает { $due-on }. После этого начислять будут по среднему: успейте поверить или заменить счётчик.

# Вопрос о значении
reading-ask = *{ $name }*. Что сейчас на счётчике?
reading-ask-last = Прошлое показание: { $value } { $unit } ({ $on })
reading-ask-sent = В этом месяце уже передано: { $value } { $unit }. Новое значение его заменит.
reading-ask-whole = Достаточно цифр до запятой.
reading-ask-fraction = Пишите с дробной частью, если она есть: 123,456.
reading-skip-button = Пропустить
reading-which-meter = От какого счётчика показание { $typed }?
reading-which-to-correct = На каком счётчике исправить показание на { $typed }?
reading-queued = Про { $typed } спросим следом.
reading-choose = Не понял. Выберите счётчик кнопкой или напишите, где он стоит.
reading-placed = ✓ { $name }: { $value }
reading-unplaced = Не получилось понять, от какого счётчика { $typed }. Пришлите это отдельно.
reading-unclear = Не получилось понять, какое число к какому счётчику относится.
reading-not-consumption = «{ $typed }» похоже на расход. Нужно само показание: все цифры, которые сейчас на счётчике.
reading-negative = Показание не бывает меньше нуля. Если на счётчике { $value }, напишите { $value } без минуса.
reading-type-again = Хорошо, ничего не сохранено. Напишите показания ещё раз или выберите счётчик.
reading-nothing-left = За этот месяц показания уже переданы.

# Карточка подтверждения
reading-confirm-heading = *Проверьте показания*
reading-use = { $name }: *{ $value }* { $unit }
    было { $previous }, расход { $consumption } { $unit }
reading-use-first = { $name }: *{ $value }* { $unit }
reading-confirm-lesser = { $name }: { $value }
reading-cost = Примерно { $cost }
reading-high = ⚠ Расход { $consumption } { $unit } намного больше обычного.
reading-zero-again = Расхода нет { $months ->
    [one] { $months } месяц
    [few] { $months } месяца
   *[many] { $months } месяцев
} подряд. Квартира пустует?
reading-late = Приём за { $missed } закончился: показание войдёт в квитанцию за { $counted }.
reading-corrects = Заменит переданное раньше: { $earlier }.
reading-corrects-zone = { $zone }: заменит переданное раньше: { $earlier }.
reading-corrected = { $name }: исправлено с { $earlier } на { $value }.
reading-rolled-over = Счётчик прошёл через ноль, это учтено.
reading-hot-above-cold = Горячей воды больше, чем холодной. Так бывает, но проверьте, не перепутаны ли счётчики.
reading-understood-as = Поняли «{ $typed }» как { $value }.
reading-in-order = Разложили числа по порядку счётчиков.
reading-same = { $name }: без изменений, как в прошлый раз.
reading-unchanged = Показания те же, значит, расхода за месяц нет. Если счётчик всё-таки изменился, нажмите «Исправить».
reading-swapped = Похоже, показания перепутаны местами: { $first } и { $second }. Поменяли их, проверьте.
reading-overtaken = Пока вы отвечали, данные изменились. Проверьте ещё раз.
reading-save-question = Сохранить?
reading-sure = Точно?
reading-save-button = Сохранить
reading-sure-button = Да, всё верно
reading-fix-button = Исправить
reading-as-typed-button = Оставить, как было

# Что не так
reading-closed = { $name }: счётчик снят { $closed-on }, показания по нему больше не нужны.
reading-not-commissioned = { $name }: счётчик ещё не введён в эксплуатацию, показания по нему пока не считаются. Ввод бесплатный, обратитесь в расчётный центр.
reading-smart = { $name }: счётчик передаёт показания сам, от вас ничего не нужно.
reading-too-many-digits = { $name }: { $value } не помещается на счётчике, до запятой у него { $digits ->
    [one] { $digits } цифра
    [few] { $digits } цифры
   *[many] { $digits } цифр
}. Напишите ещё раз.
reading-too-many-red = { $name }: у { $value } слишком много цифр после запятой, на счётчике их { $digits }. Напишите ещё раз.
reading-already = { $name }: { $values } { $unit } уже принято { $at }, войдёт в квитанцию за { $period }.
reading-locked = { $name }: показание { $value } { $unit } уже вошло в расчёт. Изменить его может только сотрудник.
reading-below-last = { $name }: { $value } меньше прошлого показания ({ $last } { $unit }). Проверьте, тот ли это счётчик и не меняли ли его, и напишите ещё раз.
reading-impossible = { $name }: расход { $consumption } { $unit } слишком велик, чтобы принять его сразу. Передали сотруднику, обращение № { $number }. Пришлите, пожалуйста, фото счётчика. Если это описка, просто напишите верное показание.
reading-correct-earlier = { $name }: прошлое показание уже вошло в расчёт, изменить его может только сотрудник. Передать ему ваше значение?
# То же для мессенджеров, которым нельзя называть прошлые показания и даты.
reading-high-plainly = ⚠ Это намного больше обычного.
reading-closed-plainly = { $name }: счётчик снят, показания по нему больше не нужны.
reading-already-plainly = { $name }: это показание уже принято.
reading-locked-plainly = { $name }: прошлое показание уже вошло в расчёт. Изменить его может только сотрудник.
reading-below-last-plainly = { $name }: { $value } меньше прошлого показания. Проверьте, тот ли это счётчик и не меняли ли его, и напишите ещё раз.
reading-impossible-plainly = { $name }: это слишком много, чтобы принять сразу. Передали сотруднику, обращение № { $number }. Пришлите, пожалуйста, фото счётчика. Если это описка, просто напишите верное показание.
reading-old-button = Эта кнопка от старого сообщения. Вот что есть сейчас:

# Сотрудник и фото
reading-staff-button = Всё верно, передать сотруднику
reading-case = Передали сотруднику, обращение № { $number }. Ответ придёт сюда.
reading-photo-please = { $name }: пришлите, пожалуйста, фото счётчика, так разберёмся быстрее.
reading-photo-added = Фото добавлено к обращению № { $number }. Ответ придёт сюда.
reading-photo-kept = Фото сохранено для сотрудника, обращение № { $number }.
reading-photo-number = Чтобы показание вошло в квитанцию, напишите его цифрами.

# Квитанция о приёме
reading-receipt = ✅ Принято { $at }, № { $number }, войдёт в квитанцию за { $period }
reading-receipt-split = ✅ Принято { $at }, № { $number }
reading-receipt-bill = Войдёт в квитанцию за { $period }, исправить можно до { $until }.
reading-correctable = Исправить можно до { $until }: просто пришлите новое значение.
reading-kept = { $name }: *{ $value }* { $unit }
reading-account = Счёт: { $name }
reading-still-missing = { $count ->
    [one] Остался ещё { $count } счётчик.
    [few] Осталось ещё { $count } счётчика.
   *[many] Осталось ещё { $count } счётчиков.
}
reading-rejected = Показание № { $number } не принято в расчёт: { $reason }. Пришлите его ещё раз или позовите сотрудника.
reading-rejected-of = Показание № { $number } не принято в расчёт ({ $name }): { $reason }. Пришлите его ещё раз или позовите сотрудника.
reading-rejected-of-lesser = Показание № { $number } не принято в расчёт ({ $name }). Пришлите его ещё раз или позовите сотрудника.
reading-rejected-lesser = Показание № { $number } не принято в расчёт. Пришлите его ещё раз или позовите сотрудника.
