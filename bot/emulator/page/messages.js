// The message stream of a space: threads beneath their root, each message with its text or card and its files.
import { canRender, renderCard } from "./cards.js";
import { el, follow, icon } from "./dom.js";
import { hasMarkdown, sanitise, toHtml } from "./markdown.js";

const UNITS = ["bytes", "KB", "MB", "GB"];

/** 212004 → "212 KB": decimal units, as Webex shows them. */
export function humanSize(bytes) {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit && size < 10 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** Messages, oldest first, as [{root, replies}]; replies whose root is deleted stand on their own. */
export function intoThreads(messages) {
  const threads = new Map();
  for (const message of messages) {
    const home = threads.get(message.parentId);
    if (home) home.replies.push(message);
    else threads.set(message.id, { root: message, replies: [] });
  }
  return [...threads.values()];
}

const plainText = (message) => message.text || message.markdown || "";

/** One line for the announcer and for "replying to". */
export function inOneLine(message, length = 120) {
  const files = message.files.map((file) => file.name).join(", ");
  const words = [plainText(message).replace(/\s+/g, " ").trim(), files].filter(Boolean).join(" · ") || "a card";
  return words.length > length ? `${words.slice(0, length - 1)}…` : words;
}

export function avatar(name, index, isBot) {
  const initials = name.split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("");
  const face = isBot ? icon("bot") : initials.toUpperCase();
  return el("span", { class: `avatar ${isBot ? "avatar-bot" : `avatar-${index % 6}`}`, "aria-hidden": "true" }, face);
}

function textBody(message) {
  // What people type is shown as typed; html only carries their mention. A bot's markdown is meant to be rendered.
  const html = message.isBot && message.markdown ? toHtml : sanitise;
  const source = message.isBot && message.markdown ? message.markdown : message.html;
  if (!hasMarkdown || !source) return el("div", { class: "text plain", text: plainText(message) });
  const body = el("div", { class: "text" });
  body.innerHTML = html(source); // safe: both ways end in DOMPurify
  return body;
}

function fallback(message, why) {
  return el("div", { class: "card card-fallback" }, el("p", { class: "hint", text: why }), el("div", { class: "text plain", text: plainText(message) }));
}

function body(message, context) {
  if (!message.card) return plainText(message) || message.html ? textBody(message) : null;
  if (!canRender) return fallback(message, "A card; this is its text.");
  try {
    return renderCard(message.card, (inputs, title) => context.onPress(message, inputs, title));
  } catch (error) {
    return fallback(message, `This card cannot be drawn (${error.message}). This is its text.`);
  }
}

function fileChip(file) {
  return el(
    "a",
    { class: "file", href: file.url, download: file.name, "data-testid": "file-link", "aria-label": `Download ${file.name}, ${humanSize(file.size)}` },
    icon("file"),
    el("span", { class: "file-name" }, el("b", { text: file.name }), el("small", { text: humanSize(file.size) })),
    icon("download"),
  );
}

function fill(article, message, context) {
  const when = new Date(message.created);
  const clock = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  article.dataset.fromBot = String(message.isBot);
  article.replaceChildren(
    avatar(message.personName, context.personIndex(message.personId), message.isBot),
    el(
      "div",
      { class: "said" },
      el(
        "header",
        {},
        el("b", { text: message.personName }),
        message.isBot ? el("span", { class: "tag", text: "bot" }) : null,
        el("time", { datetime: message.created, title: when.toLocaleString(), text: clock }),
      ),
      body(message, context),
      ...message.files.map(fileChip),
    ),
  );
}

const makeMessage = (message) =>
  el("li", { class: "message", "data-testid": `message-${message.id}`, "data-message-id": message.id, tabindex: "-1" });

function makeThread({ root }, context) {
  return el(
    "li",
    { class: "thread" },
    el("ol", {}),
    el("ol", { class: "replies", "aria-label": "Replies" }),
    el("button", { type: "button", class: "reply", onclick: () => context.onReply(root) }, icon("reply"), "Reply in thread"),
  );
}

/** Shows `messages` in `list` (an <ol>); context: {personIndex, onPress, onReply}. */
export function showMessages(list, messages, context) {
  const show = (ol, some) => follow(ol, some, (one) => one.id, makeMessage, (item, one) => fill(item, one, context));
  follow(
    list,
    intoThreads(messages),
    ({ root }) => root.id,
    (thread) => makeThread(thread, context),
    (thread, { root, replies }) => {
      const [first, rest] = thread.querySelectorAll(":scope > ol");
      show(first, [root]);
      show(rest, replies);
      rest.hidden = replies.length === 0;
    },
  );
}
