// Links to a message, as the bot writes them: webexteams://im?space=<id>&message=<id>. The browser never sees one as an
// address (it would hand it to an installed Webex): markdown.js turns it into a link without one, page.js goes there.

const MESSAGE_LINK = /^webexteams:\/\/im\?space=([\w-]{16,200})&message=([\w-]{16,200})$/i;

/** {space, message} of a link to a message; null for everything else. */
export function readLink(address) {
  const found = MESSAGE_LINK.exec(address ?? "");
  return found && { space: found[1], message: found[2] };
}

/** A link holds the bare id, the API's is base64 of ciscospark://<where>/<kind>/<bare id>; so they are compared by it. */
export function bareId(id) {
  try {
    const plain = atob(id.replaceAll("-", "+").replaceAll("_", "/"));
    return plain.startsWith("ciscospark://") ? plain.slice(plain.lastIndexOf("/") + 1) : id;
  } catch {
    return id; // it is bare already
  }
}
