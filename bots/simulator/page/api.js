// What the simulator's JSON interface offers, one function a call.

const BASE = "/simulator/api";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  const answer = await fetch(BASE + path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, body.error ?? answer.statusText);
  return body;
}

function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export const channels = () => ask("/channels");
export const accounts = () => ask("/accounts");
export const clock = () => ask("/clock");
export const setClock = (now) => post("/clock", { now });
export const mode = (channel) => ask(`/${channel}/mode`);
export const setMode = (channel, mode) => post(`/${channel}/mode`, { mode });
export const messages = (channel, chat, after) => ask(`/${channel}/${chat}/messages?after=${after}`);
export const act = (channel, chat, action, body = {}) => post(`/${channel}/${chat}/${action}`, body);

export const sendPicture = (channel, chat, file) =>
  ask(`/${channel}/${chat}/photo`, { method: "POST", headers: { "Content-Type": file.type }, body: file });

// One long poll for all phones: a browser opens only six connections to one place.
export function news(phones, signal) {
  const seen = phones.map((phone) => `chat=${phone.channel}:${phone.chat}:${phone.last}`);
  return ask(`/news?wait=25&${seen.join("&")}`, { signal });
}
