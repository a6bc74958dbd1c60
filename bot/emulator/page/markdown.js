// Markdown of messages to safe HTML: markdown-it without raw HTML, then DOMPurify with a short list of what may stay.
// Cards share the latter. Without the two packages there is no HTML at all, only text.
import { readLink } from "./links.js";

const TAGS = [
  "a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p",
  "pre", "s", "spark-mention", "strong", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
];
const ALLOWED = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["href", "start"],
  ADD_URI_SAFE_ATTR: ["start"], // no address, so not held against the pattern of addresses
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
};

// <@personEmail:a@b.c|Label>, <@personId:…|Label> and <@all>, as Webex writes mentions in markdown.
const MENTION = /^<@(?:(personEmail|personId):([^>|]+)(?:\|([^>]+))?|all)>/;

function mentionRule(state, silent) {
  const found = MENTION.exec(state.src.slice(state.pos, state.posMax));
  if (!found) return false;
  if (!silent) {
    state.push("mention_open", "spark-mention", 1);
    state.push("text", "", 0).content = found[3] ?? found[2] ?? "All";
    state.push("mention_close", "spark-mention", -1);
  }
  state.pos += found[0].length;
  return true;
}

function build() {
  if (!globalThis.markdownit || !globalThis.DOMPurify) return null;
  const markdown = globalThis.markdownit({ html: false, linkify: true, breaks: true });
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false }); // "hosts.md" is a file here, not a web site
  markdown.inline.ruler.before("autolink", "mention", mentionRule);
  const purifier = globalThis.DOMPurify(window);
  const messageLinks = new WeakMap(); // noted before the sanitiser takes their addresses away
  purifier.addHook("beforeSanitizeAttributes", (node) => {
    const link = node.tagName === "A" && readLink(node.getAttribute("href"));
    if (link) messageLinks.set(node, link);
  });
  purifier.addHook("afterSanitizeAttributes", (node) => {
    if (node.tagName !== "A") return;
    const link = messageLinks.get(node);
    const added = link
      ? { "data-to-space": link.space, "data-to-message": link.message, role: "link", tabindex: "0" }
      : { target: "_blank", rel: "noopener noreferrer" };
    for (const [name, value] of Object.entries(added)) node.setAttribute(name, value);
  });
  return { markdown, purifier };
}

const tools = build();

export const hasMarkdown = tools !== null;

/** Foreign HTML cut down to text marks, lists and links. Call only when `hasMarkdown`. */
export const sanitise = (html) => tools.purifier.sanitize(html, ALLOWED);

/** Markdown as safe HTML. Call only when `hasMarkdown`. */
export const toHtml = (text) => sanitise(tools.markdown.render(text));
