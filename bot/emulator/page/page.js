// The playground: one person writes in one space; everything shown follows the emulator's state.
import { showApi } from "./api.js";
import { canRender } from "./cards.js";
import { addBot, getMessages, getState, listen, oneAtATime, openDirectSpace, postAction, postMessage, removeBot } from "./client.js";
import { showClock } from "./clock.js";
import { setText } from "./dom.js";
import { bareId } from "./links.js";
import { inOneLine, showMessages } from "./messages.js";
import { outsiders, showPeople, showReports, showSpaces, spaceTitle } from "./panels.js";

const $ = (id) => document.getElementById(id);
const NEAR_BOTTOM_PX = 90;
const COMPOSER_MAX_PX = 160;
const CHOICE_KEY = "playground-choice"; // sessionStorage: each browser tab plays its own person

let world = null; // the last /emulator/state
let personId = null;
let spaceId = null;
let replyTo = null; // root message of the thread the composer answers to
let shownSpaceId = null; // whose messages are on the screen
let known = new Set(); // ids of the messages on the screen
let freshId = null; // the newest message that came while the reader was further up
const unread = new Set();

const person = () => world.people.find((each) => each.id === personId);
const space = () => world.spaces.find((each) => each.id === spaceId);
const hasApi = () => world.parts.includes("api");
const botIsHere = () => Boolean(world.bot && space()?.memberIds.includes(world.bot.id));
const mine = () => world.spaces.filter((each) => each.memberIds.includes(personId));

function choose(nextPerson, nextSpace) {
  personId = world.people.some((each) => each.id === nextPerson) ? nextPerson : (world.people[0]?.id ?? null);
  const home = mine().find((each) => each.type === "direct") ?? mine()[0];
  spaceId = mine().some((each) => each.id === nextSpace) ? nextSpace : (home?.id ?? null);
  unread.delete(spaceId);
  sessionStorage.setItem(CHOICE_KEY, JSON.stringify({ personId, spaceId }));
}

function switchTo(nextPerson, nextSpace) {
  const [beforePerson, beforeSpace] = [personId, spaceId];
  choose(nextPerson, nextSpace);
  if (personId !== beforePerson) unread.clear();
  if (spaceId !== beforeSpace) answerThread(null);
  showProblem("");
  draw();
  refreshMessages();
}

function draw() {
  showPeople($("people"), world, personId, (id) => switchTo(id, spaceId));
  showSpaces($("spaces"), world, personId, spaceId, unread, (id) => {
    switchTo(personId, id);
    showTab("stream");
  });
  showReports($("reports"), world, (id) => {
    showTab("stream");
    answerThread(null);
    say(`report ${id}`);
  });
  $("open-direct").hidden = !world.bot || !personId || mine().some((each) => each.type === "direct");
  drawSpaceHead();
  drawListening();
  for (const id of ["api-toggle", "api-tab"]) $(id).hidden = !hasApi();
}

function drawSpaceHead() {
  const here = space();
  const group = here !== undefined && here.type !== "direct";
  const names = here ? [world.bot, ...world.people].filter((each) => each && here.memberIds.includes(each.id)) : [];
  setText($("space-title"), here ? spaceTitle(world, here, personId) : "No space yet");
  setText($("space-members"), group ? names.map((each) => each.name).join(", ") : here ? "1:1 space: the bot sees every message" : "");
  const strangers = here && group ? outsiders(world, here) : [];
  $("space-outside").hidden = strangers.length === 0;
  setText($("space-outside"), strangers.length ? `External: ${strangers.map((each) => each.name).join(", ")}` : "");
  $("mention-row").hidden = !group || !botIsHere();
  $("bot-membership").hidden = !group || !world.bot;
  setText($("bot-membership"), botIsHere() ? "Remove the bot" : "Add the bot");
  setText($("mention-row").querySelector("span"), `Mention ${world.bot?.name ?? "the bot"}`);
  setText($("writing-as"), person() ? `Writing as ${person().name}` : "");
  $("composer").placeholder = "Try help, or report calling usage";
  for (const control of [$("composer"), document.querySelector(".send")]) control.disabled = !here;
}

function drawListening() {
  const hook = world.webhooks.find((each) => each.resource === "messages");
  const [words, mood] = !hook ? ["Bot not connected", "warn"] : hook.status === "active" ? ["Bot connected", "good"] : ["Bot's webhook is inactive", "bad"];
  setText($("listening"), words);
  $("listening").className = `lamp ${mood}`;
}

const refreshState = oneAtATime(async () => {
  world = await getState();
  const saved = personId ? { personId, spaceId } : JSON.parse(sessionStorage.getItem(CHOICE_KEY) ?? "{}");
  const before = spaceId;
  choose(saved.personId, saved.spaceId);
  draw();
  if (spaceId !== before) await refreshMessages();
});

const refreshMessages = oneAtATime(async () => {
  const wanted = spaceId;
  const items = wanted ? (await getMessages(wanted)).items : [];
  if (wanted !== spaceId) return void refreshMessages(); // another space was chosen meanwhile: one more run
  const arrived = shownSpaceId !== wanted;
  const atBottom = isAtBottom();
  const fresh = items.filter((message) => !known.has(message.id));
  showMessages($("threads"), items, { personIndex, onPress, onReply: answerThread });
  $("empty").hidden = items.length > 0 || !wanted;
  known = new Set(items.map((message) => message.id));
  shownSpaceId = wanted;
  if (arrived) scrollToEnd();
  else if (fresh.length) welcome(fresh, atBottom);
});

function welcome(fresh, atBottom) {
  const newest = fresh[fresh.length - 1];
  const others = fresh.filter((message) => message.personId !== personId);
  if (others.length) setText($("announcer"), others.map((message) => `${message.personName}: ${inOneLine(message)}`).join(". "));
  if (atBottom) return scrollToEnd();
  freshId = newest.id;
  if (newest.personId === personId) showFresh();
  else $("fresh").hidden = false;
}

function isAtBottom() {
  const stream = $("stream");
  return stream.scrollHeight - stream.scrollTop - stream.clientHeight < NEAR_BOTTOM_PX;
}

function scrollToEnd() {
  $("stream").scrollTop = $("stream").scrollHeight;
  $("fresh").hidden = true;
}

function showFresh() {
  document.querySelector(`[data-message-id="${CSS.escape(freshId)}"]`)?.scrollIntoView({ block: "nearest" });
  $("fresh").hidden = true;
}

const refreshApi = oneAtATime(showApi((words) => setText($("announcer"), words)));

const shownMessage = (id) => [...document.querySelectorAll("[data-message-id]")].find((item) => bareId(item.dataset.messageId) === bareId(id));

/** A link to a message leads to it when the person is in its space, and nowhere otherwise. */
async function goTo(link) {
  const there = mine().find((each) => bareId(each.id) === bareId(link.toSpace));
  if (!there) return;
  switchTo(personId, there.id);
  showTab("stream");
  await catchUp();
  const item = spaceId === there.id ? shownMessage(link.toMessage) : null;
  if (!item) return; // it was deleted, or another space was chosen meanwhile
  item.scrollIntoView({ block: "center" });
  item.focus({ preventScroll: true });
  item.classList.add("marked");
}

function onLink(event) {
  const link = event.target.closest("[data-to-message]");
  if (link && (event.type === "click" || event.key === "Enter")) goTo(link.dataset);
}

const personIndex = (id) => Math.max(0, world.people.findIndex((each) => each.id === id));

async function onPress(message, inputs, title) {
  const name = person().name;
  await postAction({ personId, messageId: message.id, inputs });
  return `${name} pressed “${title ?? "the button"}”.`;
}

function answerThread(root) {
  replyTo = root;
  $("replying").hidden = !root;
  if (!root) return;
  setText($("replying").querySelector("span"), `Replying to ${root.personName}: ${inOneLine(root, 70)}`);
  $("composer").focus();
}

function showProblem(words) {
  setText($("problem"), words);
  $("problem").hidden = !words;
}

function fitComposer() {
  const box = $("composer");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, COMPOSER_MAX_PX)}px`;
}

/** Puts `words` into the composer and sends them; what was refused stays there to be corrected. */
async function say(words) {
  const box = $("composer");
  box.value = words;
  fitComposer();
  if (!words.trim() || !space()) return;
  const thread = replyTo;
  const message = { personId, spaceId, text: words, mention: space().type !== "direct" && botIsHere() && $("mention").checked, mentionAs: "full", mentionAt: "start" };
  if (thread) message.parentId = thread.id;
  box.value = "";
  fitComposer();
  showProblem("");
  try {
    await postMessage(message);
    if (replyTo === thread) answerThread(null);
  } catch (error) {
    showProblem(error.message);
    if (!box.value) box.value = words;
    fitComposer();
    return;
  }
  await refreshMessages();
}

function showTab(name) {
  const back = name === "stream" && document.body.dataset.tab !== name;
  document.body.dataset.tab = name;
  for (const tab of document.querySelectorAll(".tabs button")) {
    if (tab.dataset.tab === name) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
  if (back && $("stream").scrollTop === 0) scrollToEnd(); // a hidden panel forgets where it was
}

function showConnection(alive) {
  setText($("connection"), alive ? "Live" : "Offline");
  $("connection").className = `lamp ${alive ? "good" : "bad"}`;
  $("gone").hidden = alive;
  setText($("gone"), alive ? "" : "The emulator isn't responding. Is “make demo” still running? The page will reconnect automatically.");
}

async function catchUp() {
  try {
    await refreshState();
    await refreshMessages();
    if (hasApi()) await refreshApi();
  } catch (error) {
    if (error.status === 0) showConnection(false);
    else showProblem(error.message);
  }
}

function wire() {
  const box = $("composer");
  $("composer-form").addEventListener("submit", (event) => {
    event.preventDefault();
    say(box.value);
    box.focus();
  });
  box.addEventListener("input", fitComposer);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    say(box.value);
  });
  $("replying").querySelector("button").addEventListener("click", () => answerThread(null));
  $("fresh").addEventListener("click", showFresh);
  for (const kind of ["click", "keydown"]) $("threads").addEventListener(kind, onLink);
  $("threads").addEventListener("animationend", (event) => event.target.classList.remove("marked"));
  $("stream").addEventListener("scroll", () => {
    if (isAtBottom()) $("fresh").hidden = true;
  });
  $("bot-membership").addEventListener("click", async () => {
    showProblem("");
    const change = botIsHere() ? removeBot : addBot;
    await change(spaceId, personId).catch((error) => showProblem(error.message));
    await catchUp();
  });
  $("open-direct").addEventListener("click", async () => {
    const opened = await openDirectSpace(personId).catch((error) => showProblem(error.message));
    await catchUp();
    if (opened?.id) switchTo(personId, opened.id);
  });
  $("api-toggle").addEventListener("click", () => {
    const open = document.body.dataset.api !== "open";
    const atBottom = isAtBottom();
    document.body.dataset.api = open ? "open" : "closed";
    $("api-toggle").setAttribute("aria-expanded", String(open));
    if (atBottom) scrollToEnd();
    if (open) $("api-prepared").focus();
  });
  for (const chip of document.querySelectorAll("[data-say]")) chip.addEventListener("click", () => say(chip.dataset.say));
  for (const tab of document.querySelectorAll(".tabs button")) tab.addEventListener("click", () => showTab(tab.dataset.tab));
}

wire();
showTab("stream");
$("no-renderer").hidden = canRender;
setText($("connection"), "Connecting");
showClock($("clock"), showProblem);
listen({
  onConnection(alive) {
    showConnection(alive);
    if (alive) catchUp();
  },
  onChange({ spaceId: changed }) {
    if (changed && changed !== spaceId) unread.add(changed);
    catchUp();
  },
});
