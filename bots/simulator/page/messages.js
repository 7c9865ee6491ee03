// A message as an element. Text goes in as text; only the server's sanitised html goes in as html.

const DAY = new Intl.DateTimeFormat("ru", { day: "numeric", month: "long", timeZone: "UTC" });

export const icon = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
};

export function element(tag, className = "", ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

// The date and time of the city's clock stand in the text; the browser's own zone must not move them.
export const dayOf = (message) => message.at.slice(0, 10);
export const dayLabel = (day) => element("li", "day", DAY.format(new Date(`${day}T00:00:00Z`)));

const isSafe = (url) => /^(https?|tg|tel|mailto):/i.test(url);

// A key of the keyboard at the bottom: all that a message brings with a keyboard there, whatever a key does.
export const isBottomKey = (message, button) => button.kind === "menu" || message.menu === "shown" || message.menu === "once";

export function messageElement(message, press) {
  const mine = message.from === "resident";
  const item = element("li", `message${mine ? " mine" : ""}`);
  const bubble = element("div", "bubble");
  for (const file of message.files) bubble.append(fileElement(file));
  if (message.text) {
    const text = element("div", "text");
    text.innerHTML = message.html;
    const stamp = stampElement(message, mine);
    text.append(stamp);
    bubble.append(text);
  } else {
    bubble.classList.add("bare");
    bubble.append(stampElement(message, mine));
  }
  item.append(bubble);
  const inline = message.buttons.filter((row) => row.some((button) => !isBottomKey(message, button)));
  if (inline.length) {
    item.classList.add("wide");
    item.append(rows("inline", inline, (button, pressed) => press(message, button, pressed)));
  }
  return item;
}

function stampElement(message, mine) {
  const stamp = element("span", "stamp", `${message.edited ? "изменено " : ""}${message.at.slice(11, 16)}`);
  if (mine) stamp.append(icon("ticks"));
  return stamp;
}

function fileElement(file) {
  const link = element("a", file.type.startsWith("image/") ? "picture" : "file");
  link.href = file.url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  if (file.type.startsWith("image/")) {
    const image = element("img");
    image.src = file.url;
    image.alt = file.name;
    link.append(image);
  } else {
    const kind = file.name.includes(".") ? file.name.split(".").pop().toUpperCase() : "Файл";
    link.append(icon("file"), element("span", "", element("b", "", file.name), element("small", "", kind)));
  }
  return link;
}

export function rows(className, buttons, press) {
  const block = element("div", className);
  for (const row of buttons) block.append(element("div", "row", ...row.map((button) => buttonElement(button, press))));
  return block;
}

function buttonElement(button, press) {
  const isLink = button.kind === "link" && isSafe(button.url ?? "");
  const made = element(isLink ? "a" : "button", "", button.label);
  made.dataset.kind = button.kind;
  made.dataset.button = button.id;
  if (button.style) made.dataset.style = button.style;
  if (isLink) {
    made.href = button.url;
    made.target = "_blank";
    made.rel = "noopener noreferrer";
    made.append(icon("out"));
  } else {
    made.type = "button";
    if (button.kind === "copy") made.append(icon("copy"));
    made.addEventListener("click", () => press(button, made));
  }
  return made;
}
