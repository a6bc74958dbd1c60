// The page's only way to the emulator: its control API, and the stream of its changes.

/** What the emulator refused, in its own words; `status` 0 when it did not answer at all. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function call(method, path, body, headers = {}) {
  const init = { method, headers: { Accept: "application/json", ...headers }, cache: "no-store" };
  if (body !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`/emulator${path}`, init);
  } catch {
    throw new Refused("The emulator isn't responding.", 0);
  }
  const answer = await response.json().catch(() => null); // an error page of a proxy is not JSON
  if (!response.ok) throw new Refused(answer?.message ?? `The emulator answered ${response.status}.`, response.status);
  return answer;
}

export const getState = () => call("GET", "/state");
export const getMessages = (spaceId) => call("GET", `/spaces/${encodeURIComponent(spaceId)}/messages`);
export const postMessage = (message) => call("POST", "/messages", message);
export const postAction = (action) => call("POST", "/actions", action);
export const addBot = (spaceId, personId) => call("PUT", `/spaces/${encodeURIComponent(spaceId)}/bot`, { personId });
export const removeBot = (spaceId, personId) => call("DELETE", `/spaces/${encodeURIComponent(spaceId)}/bot`, { personId });
export const getClock = () => call("GET", "/clock");
export const moveClock = (seconds) => call("POST", "/clock", { seconds });
export const getApi = () => call("GET", "/api");
export const getEvents = () => call("GET", "/api/events");
export const sendCall = (token, sent) => call("POST", "/api/calls", sent, { "X-Page-Token": token });
export const sendTest = (token) => call("POST", "/api/test", {}, { "X-Page-Token": token });
export const refuseNext = (token) => call("POST", "/api/refusal", {}, { "X-Page-Token": token });
export const openDirectSpace = (personId) => call("POST", "/spaces", { personId });

const REOPEN_MS = 2000; // a browser gives an event stream up after an HTTP error; we never do

/** Follows the emulator's changes for ever: `onChange({version, spaceId})`, `onConnection(true | false)`. */
export function listen({ onChange, onConnection }) {
  const source = new EventSource("/emulator/events");
  source.onopen = () => onConnection(true);
  source.onmessage = (event) => onChange(JSON.parse(event.data));
  source.onerror = () => {
    onConnection(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, REOPEN_MS, { onChange, onConnection });
  };
}

/** Runs `work` now; calls made meanwhile become one more run after it, so bursts of events cost two fetches. */
export function oneAtATime(work) {
  let running = null;
  let again = false;
  return function run() {
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await work();
        } while (again);
      } finally {
        running = null;
      }
    })();
    return running;
  };
}
