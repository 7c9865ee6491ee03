// Puts the phones side by side, keeps them all up to date and links them with the panel.

import * as api from "/page/api.js";
import { fillAccounts, runClock } from "/page/panel.js";
import { Phone } from "/page/phone.js";
import { element } from "/page/messages.js";

const RETRY_MS = 1500;
const toast = document.querySelector("#toast");
const panel = document.querySelector("#panel");
const key = (phone) => `kvitok.chat.${phone.channel}`;

const phones = [];
let focused = null;
let polling = new AbortController();

function say(text) {
  toast.textContent = text;
  toast.classList.add("on");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => toast.classList.remove("on"), 2200);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Скопировано");
  } catch {
    say(text);
  }
}

function take(text) {
  const phone = focused ?? phones[0];
  phone?.insert(text);
  if (matchMedia("(max-width: 900px)").matches && phone) choose(phone.channel);
  copy(text);
}

function remember(phone) {
  if (phone.chat) localStorage.setItem(key(phone), phone.chat);
  else localStorage.removeItem(key(phone));
  polling.abort();
}

function choose(name) {
  for (const tab of document.querySelectorAll("#tabs button")) tab.setAttribute("aria-selected", tab.dataset.tab === name);
  for (const phone of phones) phone.root.classList.toggle("off", phone.channel !== name);
  document.querySelector("#phones").classList.toggle("off", name === "panel");
  panel.classList.toggle("off", name !== "panel");
}

function drawTabs() {
  const named = [...phones.map((phone) => [phone.channel, phone.title]), ["panel", "Счета и часы"]];
  document.querySelector("#tabs").replaceChildren(...named.map(([name, title]) => {
    const tab = element("button", "", title);
    tab.type = "button";
    tab.dataset.tab = name;
    tab.addEventListener("click", () => choose(name));
    return tab;
  }));
  choose(phones[0]?.channel ?? "panel");
}

async function follow() {
  for (;;) {
    const live = phones.filter((phone) => phone.chat);
    polling = new AbortController();
    try {
      if (!live.length) await new Promise((resolve) => polling.signal.addEventListener("abort", resolve));
      else for (const item of await api.news(live, polling.signal)) {
        live.find((phone) => phone.channel === item.channel && phone.chat === item.chat)?.take(item);
      }
    } catch (error) {
      if (error.name === "AbortError") continue;
      // The simulator was started anew and knows the chats no more, or it is being started right now.
      if (error instanceof api.Refused && error.status === 404) live.forEach((phone) => phone.reset());
      else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function begin() {
  for (const channel of await api.channels()) {
    const phone = new Phone(channel, { onChat: remember, onFocus: () => { focused = phone; }, copy, complain: say });
    phones.push(phone);
    document.querySelector("#phones").append(phone.root);
  }
  drawTabs();
  const about = document.querySelector("#about");
  document.querySelector("#about-open").addEventListener("click", () => about.showModal());
  const panelReady = Promise.allSettled([fillAccounts(document.querySelector("#accounts"), take), runClock(say)]);
  await Promise.all(phones.map((phone) => {
    const chat = localStorage.getItem(key(phone));
    return chat ? phone.resume(chat) : phone.reset();
  }));
  follow();
  await panelReady;
}

begin().catch(() => say("Нет связи с симулятором"));
