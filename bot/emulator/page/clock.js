// The clock of the emulator and the bot, where it can be moved: what it shows, and the buttons that move it.
import { getClock, moveClock } from "./client.js";
import { setText } from "./dom.js";

const LOOK_MS = 1000;
const LOOK_MOVING_MS = 150; // a move takes some seconds, and the clock runs fast meanwhile
const MOVES_MS = 5000; // between two looks: a clock that went further is being moved
const FORMAT = new Intl.DateTimeFormat("en-US", { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "UTC" });

/** Shows the clock in `part`, and moves it by its buttons; `onProblem(words)`: what the emulator refused, or "". */
export async function showClock(part, onProblem) {
  const shown = part.querySelector("time");
  let shownAt = 0;
  let timer = null;

  function show({ now, moves }) {
    part.hidden = !moves;
    shown.dateTime = now;
    setText(shown, `${FORMAT.format(new Date(now))} UTC`);
  }

  async function look() {
    clearTimeout(timer);
    const clock = await getClock().catch(() => null); // the page says elsewhere that the emulator is gone
    if (clock) show(clock);
    if (clock?.moves === false) return; // it goes by the reader's own clock
    const now = clock ? Date.parse(clock.now) : shownAt;
    timer = setTimeout(look, now - shownAt > MOVES_MS ? LOOK_MOVING_MS : LOOK_MS);
    shownAt = now;
  }

  for (const button of part.querySelectorAll("button")) {
    button.addEventListener("click", async () => {
      onProblem("");
      await moveClock(Number(button.dataset.seconds)).catch((error) => onProblem(error.message));
      await look();
    });
  }
  await look();
}
