// "Call the API" and "Events": what other systems send to the bot, and what it tells them. Only where the page's
// server has the part "api", which sends the calls on: the page has no key.
import { getApi, getEvents, refuseNext, sendCall, sendTest } from "./client.js";
import { el, follow, setText } from "./dom.js";

const FORMAT = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const DELIVERY = /^\/api\/v1\/deliveries\/[^/?]+$/;

const $ = (id) => document.getElementById(id);

/** JSON with line breaks; anything else as it came. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function mood(status) {
  if (status < 300) return "good";
  return status < 500 ? "warn" : "bad";
}

function time(text) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : `${FORMAT.format(at)} UTC`;
}

/** "answered 500, then 204": what each attempt to send the event was answered. */
const attempts = (answers) => `answered ${answers.join(", then ")}`;

const words = (event) => (event.verified ? "signature verified" : "not verified");

function makeEvent(event) {
  return el(
    "li",
    { class: "event", "data-testid": "event" },
    el("div", { class: "facts" }, el("b", { text: event.type }), el("span", { class: `tag ${event.verified ? "good" : "bad"}`, text: words(event) }), el("span", { class: "tag answers" })),
    el("time", { class: "hint", datetime: event.timestamp, text: time(event.timestamp) }),
    el("pre", { text: JSON.stringify(event.data, null, 2) }),
  );
}

/** Prepares the panel; returns what refreshes it. `announce(words)` tells screen readers. */
export function showApi(announce) {
  let api = null;
  let known = null; // keys of the events that were shown, with their number of answers
  const method = $("api-method");
  const path = $("api-path");
  const body = $("api-body");

  function fill(call) {
    method.value = call.method;
    path.value = call.path;
    body.value = call.body;
  }

  function problem(text) {
    setText($("api-problem"), text);
    $("api-problem").hidden = !text;
  }

  /** Shows what the bot answered; without an answer, `status` only. */
  function showAnswer(status, looks, { headers = {}, body: text = "" } = {}) {
    const tag = $("api-status");
    tag.hidden = !status;
    tag.className = `tag ${looks}`;
    setText(tag, status);
    $("api-headers").replaceChildren(...Object.entries(headers).flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
    $("api-json").hidden = !text;
    setText($("api-json"), pretty(text));
    const location = headers.Location ?? "";
    $("api-follow").hidden = !location;
    $("api-follow").dataset.path = DELIVERY.test(location) ? `${location}?wait=30` : location;
  }

  /** Runs `work`, once at a time for each button; a disabled one would lose the focus. */
  async function during(button, work) {
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    problem("");
    try {
      await work();
    } catch (error) {
      problem(error.message);
    } finally {
      button.ariaBusy = "false";
    }
  }

  const send = () =>
    during($("api-send"), async () => {
      const sent = { method: method.value, path: path.value.trim(), body: method.value === "GET" ? "" : body.value };
      showAnswer("Waiting for the answer", "");
      const answer = await sendCall(api.token, sent).finally(() => showAnswer("", ""));
      const status = `${answer.status} ${answer.phrase}`;
      showAnswer(status, mood(answer.status), answer);
      $("api-answer").scrollIntoView({ block: "nearest" });
      announce(`${sent.method} ${sent.path.split("?")[0]} was answered ${status}`);
    });

  function showEvents({ items, refusesNext }) {
    follow($("events"), items, (event) => event.id, makeEvent, (item, event) => {
      const tag = item.querySelector(".answers");
      setText(tag, attempts(event.answers));
      tag.className = `tag answers ${mood(event.answers[event.answers.length - 1])}`;
    });
    $("no-events").hidden = items.length > 0;
    $("refusing").hidden = !refusesNext;
    const seen = $("api").getClientRects().length > 0; // a closed panel says nothing
    const fresh = items.filter((event) => seen && known && known.get(event.id) !== event.answers.length);
    if (fresh.length) announce(fresh.map((event) => `Event ${event.type}, ${words(event)}, ${attempts(event.answers)}`).join(". "));
    known = new Map(items.map((event) => [event.id, event.answers.length]));
  }

  $("api-form").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  $("api-prepared").addEventListener("change", (event) => fill(api.calls[event.target.value]));
  $("api-follow").addEventListener("click", (event) => {
    fill({ method: "GET", path: event.currentTarget.dataset.path, body: "" });
    path.focus(); // the button is hidden until there is another location
    send();
  });
  $("event-test").addEventListener("click", (event) =>
    during(event.currentTarget, async () => {
      const answer = await sendTest(api.token);
      if (answer.status >= 300) throw new Error(`The bot's API answered ${answer.status}.`);
    }),
  );
  $("event-refuse").addEventListener("click", (event) => during(event.currentTarget, async () => showEvents(await refuseNext(api.token))));

  return async function refresh() {
    if (!api) {
      const found = await getApi();
      if (api || !found.calls.length) return; // the bot is being started
      api = found;
      $("api-docs").href = api.docs;
      $("api-prepared").append(...api.calls.map((call, index) => el("option", { value: String(index), text: call.name })));
      fill(api.calls[0]);
      $("api-send").disabled = false;
    }
    showEvents(await getEvents());
  };
}
