// One phone: a chat with the bot in one messenger.

import * as api from "/page/api.js";
import { dayLabel, dayOf, element, isBottomKey, messageElement, rows } from "/page/messages.js";

const FLASH_MS = 2600;

// What the button that begins a chat is called, where it is not «Запустить».
const BEGIN = { ok: "Написать", vk: "Начать", max: "Начать" };

// An edited message comes under a new id and keeps its place: that of the id under which it first came.
const placeOf = (message) => message.replaces ?? message.id;

export class Phone {
  constructor(channel, { onChat, onFocus, copy, complain }) {
    this.channel = channel.name;
    this.title = channel.title;
    this.commands = channel.commands;
    this.onChat = onChat;
    this.copy = copy;
    this.complain = complain;
    this.chat = null;
    this.last = 0;
    this.shown = new Map();
    this.keyboardOf = null;
    this.root = document.querySelector("#phone-template").content.firstElementChild.cloneNode(true);
    this.root.dataset.channel = channel.name;
    this.root.addEventListener("focusin", onFocus);
    this.find(".bot-name").textContent = "Квиток";
    this.find(".status").textContent = channel.title;
    for (const word of this.root.querySelectorAll(".begin-word")) word.textContent = BEGIN[channel.name] ?? word.textContent;
    this.input = this.find("textarea");
    this.wire();
    api.mode(this.channel).then((answer) => this.showMode(answer), () => {});
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  wire() {
    this.find(".begin").addEventListener("click", () => this.start());
    this.find(".mode").addEventListener("click", () => this.switchMode());
    this.find(".unblock").addEventListener("click", () => this.setBlocked(false));
    this.find(".composer").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.input.addEventListener("input", () => this.fitInput());
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.submit(); }
    });
    this.find(".keyboard").addEventListener("click", () => this.toggle(".reply-keyboard"));
    this.opens(".more", ".drop");
    this.opens(".attach", ".attach-menu");
    this.opens(".commands", ".command-menu");
    this.root.addEventListener("click", (event) => this.chosen(event.target.closest("[data-do]")?.dataset.do));
    this.find(".messages").addEventListener("click", (event) => {
      const code = event.target.closest("code, pre");
      if (code) this.copy(code.textContent);
    });
    const file = this.find('input[type="file"]');
    file.addEventListener("change", () => { if (file.files[0]) this.try(() => api.sendPicture(this.channel, this.chat, file.files[0])); file.value = ""; });
  }

  opens(button, menu) {
    document.addEventListener("click", () => { this.find(menu).hidden = true; });
    this.find(button).addEventListener("click", (event) => {
      event.stopPropagation();
      const wasHidden = this.find(menu).hidden;
      document.body.click();
      this.find(menu).hidden = !wasHidden;
    });
  }

  chosen(what) {
    switch (what) {
      case "restart": this.reset(); break;
      case "block": this.setBlocked(true); break;
      case "sample": this.act("photo"); break;
      case "own": this.find('input[type="file"]').click(); break;
      case "contact": this.act("contact"); break;
      case "location": case "voice": case "sticker": this.act("send", { kind: what }); break;
    }
  }

  // Take up the chat of the last visit, if the simulator still knows it.
  async resume(chat) {
    try {
      const messages = await api.messages(this.channel, chat, 0);
      this.chat = chat;
      this.open();
      this.take({ messages, notices: [], last: Math.max(0, ...messages.map((message) => message.id)) });
    } catch {
      this.reset();
    }
  }

  reset() {
    this.chat = null;
    this.last = 0;
    this.shown.clear();
    this.find(".messages").replaceChildren();
    this.find(".empty").hidden = false;
    this.find(".begin").hidden = false;
    this.find(".composer").hidden = true;
    this.find(".unblock").hidden = true;
    this.setKeyboard(null, []);
    this.onChat(this);
  }

  async start() {
    const payload = new URLSearchParams(location.search).get("start") ?? "";
    const chat = this.chat ?? String(100_000_000 + Math.floor(Math.random() * 900_000_000));
    const done = await this.try(() => api.act(this.channel, chat, "start", payload ? { payload } : {}));
    if (!done) return;
    this.chat = chat;
    this.open();
    this.onChat(this);
    this.input.focus();
  }

  async open() {
    this.find(".empty").hidden = true;
    this.find(".begin").hidden = true;
    this.find(".composer").hidden = false;
    // The bot may have named its commands after the page was opened.
    const channel = (await api.channels()).find((one) => one.name === this.channel);
    this.commands = channel?.commands ?? this.commands;
    this.find(".commands").hidden = this.commands.length === 0;
    this.find(".command-menu").replaceChildren(...this.commands.map(({ command, description }) => {
      const button = element("button", "", description, element("small", "", `/${command}`));
      button.type = "button";
      button.addEventListener("click", () => this.act("say", { text: `/${command}` }));
      return button;
    }));
  }

  async setBlocked(blocked) {
    if (await this.act(blocked ? "block" : "unblock")) this.showBlocked(blocked);
  }

  showBlocked(blocked) {
    this.find(".composer").hidden = blocked;
    this.find(".unblock").hidden = !blocked;
    if (blocked) this.find(".reply-keyboard").hidden = true;
  }

  // What may be said in this messenger, as the service has it now.
  showMode({ mode }) {
    this.mode = mode;
    this.find(".mode").hidden = false;
    this.find(".mode").setAttribute("aria-checked", mode === "strict");
  }

  async switchMode() {
    const answer = await this.try(() => api.setMode(this.channel, this.mode === "strict" ? "open" : "strict"));
    if (answer) this.showMode(answer);
  }

  act(action, body) {
    return this.chat ? this.try(() => api.act(this.channel, this.chat, action, body)) : null;
  }

  async try(call) {
    try {
      return await call();
    } catch (error) {
      if (error.message.includes("blocked")) this.showBlocked(true);
      this.complain(error instanceof api.Refused ? `Не отправлено: ${error.message}` : "Нет связи с симулятором");
      return null;
    }
  }

  submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.fitInput();
    this.act("say", { text });
  }

  insert(text) {
    if (this.find(".composer").hidden) return;
    this.input.value = this.input.value ? `${this.input.value.trimEnd()} ${text}` : text;
    this.fitInput();
    this.input.focus();
  }

  fitInput() {
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  // What happened since the last look: new and changed messages, and answers to presses.
  take({ messages, notices, last }) {
    this.last = last;
    const chat = this.find(".chat");
    const atEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 80;
    for (const message of messages.sort((one, other) => placeOf(one) - placeOf(other))) this.show(message);
    this.drawDays();
    for (const notice of notices) this.flash(notice);
    if (atEnd || messages.some((message) => message.from === "resident")) chat.scrollTop = chat.scrollHeight;
    for (const image of chat.querySelectorAll("img")) {
      if (!image.complete) image.addEventListener("load", () => { chat.scrollTop = chat.scrollHeight; }, { once: true });
    }
  }

  show(message) {
    const place = placeOf(message);
    const old = this.shown.get(place)?.item;
    if (message.deleted) {
      old?.remove();
      this.shown.delete(place);
      return;
    }
    const item = messageElement(message, (from, button, pressed) => this.press(from, button, pressed));
    this.shown.set(place, { item, message });
    if (old) old.replaceWith(item);
    else this.find(".messages").append(item);
    const keys = message.buttons.filter((row) => row.some((button) => isBottomKey(message, button)));
    if (message.menu === "removed") this.setKeyboard(null, []);
    else if (keys.length) this.setKeyboard(message, keys);
  }

  drawDays() {
    const list = this.find(".messages");
    list.querySelectorAll(".day").forEach((label) => label.remove());
    let day = "";
    for (const { item, message } of this.shown.values()) {
      if (dayOf(message) !== day) item.before(dayLabel((day = dayOf(message))));
    }
  }

  setKeyboard(message, keys) {
    this.keyboardOf = message;
    const block = this.find(".reply-keyboard");
    block.replaceChildren(...(message ? rows("", keys, (button) => this.press(message, button)).children : []));
    block.hidden = !message;
    this.find(".keyboard").hidden = !message;
  }

  toggle(selector) {
    this.find(selector).hidden = !this.find(selector).hidden;
  }

  async press(message, button, pressed) {
    if (button.kind === "copy") return this.copy(button.id.replace(/^copy /, ""));
    const waits = button.kind === "press";
    if (waits) pressed?.classList.add("waiting");
    if (message.menu === "once") this.find(".reply-keyboard").hidden = true;
    const done = await this.act("press", { message: message.id, button: button.id });
    if (waits && !done) pressed?.classList.remove("waiting");
    if (waits) setTimeout(() => pressed?.classList.remove("waiting"), 10_000);
  }

  flash({ text, alert }) {
    this.root.querySelectorAll(".waiting").forEach((button) => button.classList.remove("waiting"));
    if (!text) return;
    const flash = this.find(".flash");
    flash.textContent = text;
    flash.classList.toggle("alert", alert);
    flash.hidden = false;
    clearTimeout(this.flashing);
    this.flashing = setTimeout(() => { flash.hidden = true; }, alert ? 2 * FLASH_MS : FLASH_MS);
  }
}
