# Тексты Кви́тка. Разметка: *жирно*, `моноширинно`. Суммы, даты и месяцы приходят уже написанными словами.

blank = { "" }
menu-button = Меню
cancel-button = Отмена
back-button = Назад
more-button = Ещё
choice-line = { $mark } { $label }
choice-link-line = { $label }: { $url }
verbatim = { $text }
