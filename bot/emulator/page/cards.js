// Cards, drawn by Microsoft's own renderer, in this page's colours; their text by the markdown that Webex documents.
import { el, setText } from "./dom.js";
import { hasMarkdown, sanitise } from "./markdown.js";
import { subsetToHtml } from "./subset.js";

const library = globalThis.AdaptiveCards;

/** Whether cards can be drawn; without the sanitiser they are not, for their text is markdown from outside. */
export const canRender = Boolean(library) && hasMarkdown;

const OPENABLE = /^(?:https?|mailto):/i;

// The colours are CSS variables, so a card follows the theme without being drawn again.
const ink = (name) => ({ default: `var(--${name})`, subtle: `var(--${name}-subtle, var(--${name}))` });
const INKS = {
  default: ink("text"),
  dark: ink("text"),
  light: ink("muted"),
  accent: ink("accent-ink"),
  good: ink("good"),
  warning: ink("warn"),
  attention: ink("bad"),
};
const paper = (background) => ({ backgroundColor: background, foregroundColors: INKS });

const HOST = {
  supportsInteractivity: true,
  fontTypes: {
    default: {
      fontFamily: "var(--font)",
      fontSizes: { small: 12, default: 14, medium: 16, large: 19, extraLarge: 23 },
      fontWeights: { lighter: 300, default: 400, bolder: 650 },
    },
    monospace: {
      fontFamily: "var(--mono)",
      fontSizes: { small: 11, default: 13, medium: 15, large: 18, extraLarge: 22 },
      fontWeights: { lighter: 300, default: 400, bolder: 650 },
    },
  },
  lineHeights: { small: 17, default: 20, medium: 22, large: 25, extraLarge: 30 },
  spacing: { small: 4, default: 8, medium: 14, large: 20, extraLarge: 28, padding: 16 },
  separator: { lineThickness: 1, lineColor: "var(--line)" },
  imageSizes: { small: 32, medium: 52, large: 100 },
  containerStyles: {
    default: paper("transparent"),
    emphasis: paper("var(--emphasis)"),
    accent: paper("var(--accent-soft)"),
    good: paper("var(--good-soft)"),
    warning: paper("var(--warn-soft)"),
    attention: paper("var(--bad-soft)"),
  },
  actions: {
    maxActions: 10,
    spacing: "medium",
    buttonSpacing: 8,
    showCard: { actionMode: "inline", inlineTopMargin: 12, style: "emphasis" },
    actionsOrientation: "horizontal",
    actionAlignment: "left",
    allowTitleToWrap: true,
    iconSize: 16,
  },
  inputs: {
    label: { inputSpacing: "small", requiredInputs: { weight: "bolder", suffix: " *", suffixColor: "attention" }, optionalInputs: { weight: "bolder" } },
    errorMessage: { color: "attention", size: "small" },
  },
  factSet: {
    title: { color: "default", isSubtle: true, weight: "default", wrap: true, maxWidth: 130 },
    value: { color: "default", weight: "default", wrap: true },
    spacing: 14,
  },
  textBlock: { headingLevel: 3 },
  imageSet: { imageSize: "medium", maxImageHeight: 100 },
};

if (canRender) {
  library.GlobalSettings.setTabIndexAtCardRoot = false; // its buttons and inputs are tab stops enough
  library.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = sanitise(subsetToHtml(text));
    result.didProcess = true;
  };
  // Some clients show a fact's text as it is.
  const drawText = library.TextBlock.prototype.internalRender;
  library.TextBlock.prototype.internalRender = function () {
    if (this.parent instanceof library.FactSet) this.useMarkdown = false;
    return drawText.call(this);
  };
  // Words that open something are links: a middle click would go there without asking `onExecuteAction`.
  library.OpenUrlAction.prototype.getHref = function () {
    return OPENABLE.test(this.url ?? "") ? this.url : "";
  };
}

const REFERENCES = ["aria-controls", "aria-describedby", "aria-labelledby", "for"];
const KEPT_APART = /^(?:__ac-|card-)/; // the renderer's own unique ids, and those done already
let drawnCards = 0;

/** Elements' ids come from cards and repeat; a prefix keeps them from meeting each other's, or this page's own. */
function keepIdsApart(root, prefix) {
  const apart = (id) => (KEPT_APART.test(id) ? id : prefix + id);
  for (const node of root.querySelectorAll("[id]")) node.id = apart(node.id);
  for (const name of REFERENCES) {
    for (const node of root.querySelectorAll(`[${name}]`)) {
      node.setAttribute(name, node.getAttribute(name).split(/\s+/).map(apart).join(" "));
    }
  }
}

/**
 * A card as an element. `onSubmit(inputs)` gets an Action.Submit's data with the inputs merged into it, as Webex does,
 * and returns a promise of the sentence to show. Throws when the payload is no card.
 */
export function renderCard(payload, onSubmit) {
  const card = new library.AdaptiveCard();
  card.hostConfig = new library.HostConfig(HOST);
  const outcome = el("p", { class: "card-outcome", role: "status" });
  card.onExecuteAction = async (action) => {
    if (action instanceof library.OpenUrlAction) {
      if (OPENABLE.test(action.url ?? "")) window.open(action.url, "_blank", "noopener,noreferrer");
    } else if (action instanceof library.SubmitAction) {
      outcome.classList.remove("bad");
      try {
        setText(outcome, await onSubmit(action.data ?? {}, action.title));
      } catch (error) {
        outcome.classList.add("bad");
        setText(outcome, error.message);
      }
    }
  };
  card.parse(payload);
  const drawn = card.render();
  if (!drawn) throw new Error("The card is empty.");
  const frame = el("div", { class: "card", "data-testid": "card" }, drawn, outcome);
  drawnCards += 1;
  const prefix = `card-${drawnCards}-`;
  card.onInlineCardExpanded = () => keepIdsApart(frame, prefix); // what Action.ShowCard shows is drawn when it is opened
  keepIdsApart(frame, prefix);
  return frame;
}
