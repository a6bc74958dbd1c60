// Making elements. Text from outside only ever becomes a text node here; HTML goes through markdown.js.

/** An element; `props` are attributes, except `class`, `text` and `on…` handlers. Null children are left out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** A picture from the sprite in index.html; decoration only, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Sets an attribute or a text only when it differs, so that nothing is announced or repainted twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const shown = new WeakMap();

/**
 * Makes the children of `parent` follow `items`, reusing nodes by key: focus, opened details and typed
 * inputs survive every refresh. `make(item)` builds a node once; `update(node, item)` runs when the item changed.
 */
export function follow(parent, items, keyOf, make, update = () => {}) {
  const known = shown.get(parent) ?? new Map();
  const next = new Map();
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const signature = JSON.stringify(item);
    const entry = known.get(key) ?? { node: make(item), signature: null };
    if (entry.signature !== signature) update(entry.node, item);
    entry.signature = signature;
    next.set(key, entry);
    if (entry.node === at) at = at.nextElementSibling;
    else parent.insertBefore(entry.node, at);
  }
  for (const [key, { node }] of known) if (!next.has(key)) node.remove();
  shown.set(parent, next);
}
