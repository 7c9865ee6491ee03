// The quiet panel beside the phones: accounts to try and the city's clock.

import * as api from "/page/api.js";
import { element } from "/page/messages.js";

const SUM = new Intl.NumberFormat("ru", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const MOMENT = new Intl.DateTimeFormat("ru", { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const SERVICES = { cold_water: "Холодная вода", hot_water: "Горячая вода", electricity: "Электричество", gas: "Газ", heat: "Отопление", heating: "Отопление" };
const DAY_MS = 86_400_000;

export async function fillAccounts(place, take) {
  const accounts = await api.accounts();
  place.replaceChildren(...accounts.map((account) => accountElement(account, take)));
}

function accountElement(account, take) {
  const list = element("dl", "",
    element("dt", "number", "Лицевой счёт"), element("dd", "number", value(account.number, take)),
    element("dt", "", "Код с квитанции"), element("dd", "", value(account.code, take)),
    element("dt", "", "Последний счёт"), element("dd", "", totalElement(account.last_total, take)),
  );
  const card = element("article", "account", list);
  if (account.meters?.length) card.append(metersElement(account.meters, take));
  return card;
}

function totalElement(text, take) {
  const total = Number(String(text).replace(",", "."));
  if (!Number.isFinite(total)) return value(text, take);
  const sum = `${SUM.format(Math.abs(total))}\u00a0₽`;
  return value(total < 0 ? `переплата ${sum}` : sum, take, total.toFixed(2).replace(".", ","));
}

function metersElement(meters, take) {
  const list = element("dl");
  for (const meter of meters) {
    const name = [SERVICES[meter.service] ?? meter.service, meter.place].filter(Boolean).join(", ");
    list.append(element("dt", "", name, element("small", "", `№ ${meter.serial}`)), element("dd", "", value(String(meter.last ?? "нет").replace(".", ","), take)));
  }
  return element("details", "", element("summary", "", `Счётчики: ${meters.length}`), list);
}

function value(shown, take, inserted = shown) {
  const button = element("button", "value", String(shown));
  button.type = "button";
  button.title = "Скопировать и вставить";
  button.addEventListener("click", () => take(String(inserted)));
  return button;
}

// The clock's own offset stands in its text; the panel shows that time, whatever the browser's zone is.
export async function runClock(complain) {
  const now = document.querySelector("#now");
  const moment = document.querySelector("#moment");
  let shown = "";

  const show = ({ now: text }) => {
    shown = text;
    now.textContent = MOMENT.format(new Date(`${text.slice(0, 16)}Z`));
  };
  const set = (text) => api.setClock(text).then(show, (error) => complain(error.message));
  const shifted = (days) => {
    const local = new Date(`${shown.slice(0, 19)}Z`).getTime() + days * DAY_MS;
    return new Date(local).toISOString().slice(0, 19) + offset();
  };
  const offset = () => /(Z|[+-]\d\d:\d\d)$/.exec(shown)?.[0] ?? "";

  document.querySelector("#day").addEventListener("click", () => set(shifted(1)));
  document.querySelector("#week").addEventListener("click", () => set(shifted(7)));
  document.querySelector("#set").addEventListener("submit", (event) => {
    event.preventDefault();
    set(`${moment.value}:00${offset()}`);
  });
  show(await api.clock());
  moment.value = shown.slice(0, 16);
  setInterval(() => api.clock().then(show, () => {}), 20_000);
}
