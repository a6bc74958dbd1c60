// The two side panels: who writes where, and which reports there are to ask for.
import { el, follow, icon, setText } from "./dom.js";
import { avatar } from "./messages.js";

/** Who is in the space from outside: [] for a space of one organization. */
export const outsiders = (world, space) => world.people.filter((person) => person.external && space.memberIds.includes(person.id));

/** A 1:1 space bears the name of the one other member, as in Webex. */
export function spaceTitle(world, space, personId) {
  if (space.type !== "direct") return space.title;
  const otherId = space.memberIds.find((id) => id !== personId);
  const other = [world.bot, ...world.people].find((each) => each?.id === otherId);
  return other?.name ?? space.title;
}

export function showPeople(list, world, personId, onChoose) {
  follow(
    list,
    world.people.map((person, index) => ({ person, index, chosen: person.id === personId })),
    ({ person }) => person.id,
    ({ person, index }) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", "data-testid": `person-${person.id}`, onclick: () => onChoose(person.id) },
          avatar(person.name, index, false),
          el("span", {}, el("b"), el("small"), person.external ? el("span", { class: "tag warn" }) : null),
        ),
      ),
    (item, { person, chosen }) => {
      const button = item.firstElementChild;
      button.setAttribute("aria-pressed", String(chosen));
      setText(button.querySelector("b"), person.name);
      const tag = button.querySelector(".tag"); // an outsider's note is the tag itself
      setText(button.querySelector("small"), [person.org, tag ? "" : person.note].filter(Boolean).join(" · "));
      if (tag) setText(tag, person.note || "external");
    },
  );
}

export function showSpaces(list, world, personId, spaceId, unread, onChoose) {
  const mine = world.spaces.filter((space) => space.memberIds.includes(personId));
  mine.sort((a, b) => Number(b.type === "direct") - Number(a.type === "direct"));
  follow(
    list,
    mine.map((space) => ({ space, chosen: space.id === spaceId, unread: unread.has(space.id), outside: outsiders(world, space).length > 0 })),
    ({ space }) => space.id,
    ({ space }) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", "data-testid": `space-${space.id}`, onclick: () => onChoose(space.id) },
          el("span", { class: `avatar ${space.type === "direct" ? "avatar-bot" : "avatar-group"}`, "aria-hidden": "true" }, icon(space.type === "direct" ? "bot" : "group")),
          el("span", {}, el("b"), el("small"), el("span", { class: "tag warn" })),
          el("span", { class: "dot" }, el("span", { class: "hidden", text: "New messages" })),
        ),
      ),
    (item, { space, chosen, unread: fresh, outside }) => {
      const button = item.firstElementChild;
      if (chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      setText(button.querySelector("b"), spaceTitle(world, space, personId));
      const strangers = outside && space.type !== "direct"; // then the note becomes a tag that stands out
      const size = space.type === "direct" ? "1:1" : `${space.memberIds.length} members`;
      setText(button.querySelector("small"), strangers || space.type === "direct" ? size : space.note || size);
      button.querySelector(".tag").hidden = !strangers;
      setText(button.querySelector(".tag"), strangers ? space.note || "external people" : "");
      button.querySelector(".dot").hidden = !fresh;
    },
  );
  return mine;
}

const FAMILIES = { partner: "Partner", organization: "Organization" };
const TAIL = 8; // ids of one world begin alike and differ at their ends: the end must stay readable

function statusClass(status) {
  const word = status.toLowerCase();
  if (word === "done") return "good";
  if (word === "failed") return "bad";
  return /progress|waiting|processing/.test(word) ? "warn" : "";
}

async function copy(button, id) {
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(id);
  } catch {
    said = "Not allowed"; // the browser forbids the clipboard; the id can still be selected by hand
  }
  const label = button.querySelector("span");
  setText(label, said);
  setTimeout(setText, 1600, label, "Copy");
}

function makeReport({ id }, onAsk) {
  return el(
    "li",
    { class: "report" },
    el("h3"),
    el(
      "div",
      { class: "facts" },
      el("span", { class: "tag" }),
      el("span", { class: "tag", role: "status" }),
      el("button", { type: "button", class: "ask", "data-testid": `report-ask-${id}`, onclick: () => onAsk(id) }, "Ask"),
    ),
    el("p", { class: "hint" }),
    el(
      "div",
      { class: "id" },
      el("code", { title: id }, el("span", { text: id.slice(0, -TAIL) }), el("span", { text: id.slice(-TAIL) })),
      el("button", { type: "button", "data-testid": `report-copy-${id}`, onclick: (event) => copy(event.currentTarget, id) }, icon("copy"), el("span", { text: "Copy", "aria-live": "polite" })),
    ),
  );
}

export function showReports(list, world, onAsk) {
  follow(
    list,
    world.reports,
    (report) => report.id,
    (report) => makeReport(report, onAsk),
    (item, report) => {
      setText(item.querySelector("h3"), report.title);
      const [family, status] = item.querySelectorAll(".facts .tag");
      setText(family, FAMILIES[report.family] ?? report.family);
      setText(status, report.status);
      status.className = `tag ${statusClass(report.status)}`;
      const note = item.querySelector(".hint");
      setText(note, report.note ?? "");
      note.hidden = !report.note;
      item.querySelector(".ask").setAttribute("aria-label", `Ask for ${report.title}`);
      item.querySelector(".id button").setAttribute("aria-label", `Copy the ID of ${report.title}`);
    },
  );
}
