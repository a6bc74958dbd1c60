// The markdown that Webex documents for the text of cards: bold, italic, lists and links. Anything else stays as it was
// written, and a backslash goes only before [ ] and ), as in Webex's own clients. What they show raw is seen raw here.

const LIST_ITEM = /^(?:[-+*]|(\d+)\.) +(.*)$/;
const INLINE = new RegExp(
  [
    String.raw`\\(?<plain>[[\])])`,
    String.raw`(?<!\\)\[(?<words>[^\]]*)\]\((?<address>[^()\s]+)\)`,
    String.raw`(?<!\\)(?<stars>\*\*?)(?=\S)(?<starred>.+?)(?<=\S)\k<stars>`,
    String.raw`(?<![\\\p{L}\p{N}_])(?<lines>__?)(?=\S)(?<lined>.+?)(?<=\S)\k<lines>(?![\p{L}\p{N}_])`,
  ].join("|"),
  "gu",
);
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text) => text.replace(/[&<>"]/g, (mark) => ENTITIES[mark]);

function inline(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const { plain, words, address, stars, starred, lines, lined } = found.groups;
    parts.push(escaped(text.slice(from, found.index)));
    from = found.index + found[0].length;
    if (plain) parts.push(plain);
    else if (address) parts.push(`<a href="${escaped(address)}">${inline(words)}</a>`);
    else {
      const tag = (stars ?? lines).length === 2 ? "strong" : "em";
      parts.push(`<${tag}>${inline(starred ?? lined)}</${tag}>`);
    }
  }
  return parts.join("") + escaped(text.slice(from));
}

/** A card's text as HTML, to be sanitised: foreign text is escaped, but links may lead anywhere. */
export function subsetToHtml(text) {
  const blocks = [];
  for (const line of text.split(/\r\n?|\n/)) {
    const item = LIST_ITEM.exec(line);
    const kind = item ? (item[1] ? "ol" : "ul") : "p";
    if (blocks.at(-1)?.kind !== kind) blocks.push({ kind, start: item?.[1], parts: [] });
    blocks.at(-1).parts.push(item ? `<li>${inline(item[2])}</li>` : inline(line));
  }
  return blocks
    .map(({ kind, start, parts }) => {
      const body = parts.join(kind === "p" ? "<br>" : "");
      return `<${kind}${start ? ` start="${start}"` : ""}>${body}</${kind}>`;
    })
    .join("");
}
