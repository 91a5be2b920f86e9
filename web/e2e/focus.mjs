// Walks over a page with Tab alone: every control is reached, has a name and is seen to have the focus, and none traps it.
import assert from "node:assert/strict";
import { tabTo, until } from "./steps.mjs";

/** What people work, by role; and what takes the focus without one. */
const controls = [
  "a[href]",
  "button",
  "input:not([type=hidden])",
  "select",
  "textarea",
  "summary",
  "[contenteditable=true]",
  "[tabindex='0']",
  ...["button", "link", "checkbox", "switch", "tab", "slider", "combobox"].map((role) => `[role=${role}]`),
].join(", ");

/** Runs in the page: marks the controls below `root` that Tab must reach, and knows what they look like. */
function prepare(root, selector) {
  const isShown = (one) =>
    one.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && one.getClientRects().length > 0;
  const isReachable = (one) => {
    if (one.disabled || one.closest("[inert], [aria-hidden=true], [disabled]")) return false;
    if (one.type === "radio") return one.checked;
    // In a group with one stop the others are reached by arrow keys.
    const isGrouped = one.closest("[role=tablist], [role=menu], [role=listbox]");
    return one.tabIndex >= 0 || !(isGrouped || one.closest(".uplot"));
  };
  // Where the focus is seen: at the control, what is around it, or the label that stands for it.
  const places = (one) => [one, one.parentElement, one.parentElement?.parentElement, ...one.querySelectorAll(":scope > path"), ...(one.labels ?? [])];
  const drawn = (one) =>
    places(one)
      .filter(Boolean)
      .map((place) => {
        const style = getComputedStyle(place);
        const outline = style.outlineStyle === "none" ? "" : `${style.outlineWidth} ${style.outlineColor}`;
        return [outline, style.borderColor, style.boxShadow, style.backgroundColor, style.stroke, style.strokeWidth, style.top].join(" / ");
      })
      .join(" | ");
  const told = (one) => `${one.computedRole} “${one.computedName}” ${one.outerHTML.slice(0, 160)}`;
  window.walk = {
    expected: [...root.querySelectorAll(selector)].filter((one) => isShown(one) && isReachable(one)),
    reached: new Set(),
    faults: [],
    last: null,
    isEnded: false,
    /** Called when something takes the focus; what comes a second time ends the walk. */
    step(element) {
      const { last } = this;
      if (last?.element.isConnected && drawn(last.element) === last.drawn) this.faults.push(`no ring: ${told(last.element)}`);
      this.last = null;
      this.isEnded ||= this.reached.has(element);
      if (this.isEnded) return;
      this.reached.add(element);
      this.last = { element, drawn: drawn(element) };
    },
    end() {
      const missed = this.expected.filter((one) => one.isConnected && !this.reached.has(one));
      const nameless = [...this.reached].filter((one) => one.isConnected && !one.computedName);
      this.faults.push(...nameless.map((one) => `no name: ${told(one)}`));
      return { faults: [...this.faults, ...missed.map((one) => `not reached: ${told(one)}`)], count: this.reached.size };
    },
  };
  if (!window.isWalked) document.addEventListener("focusin", (event) => window.walk.step(event.target));
  window.isWalked = true;
  return window.walk.expected.length;
}

const most = 400;
const atOnce = 10;

/** Walks over a page that was just opened, from its start to its end; `where` is told if something is wrong. */
export async function walkThrough(page, where) {
  return walk(page, page.locator("html"), where, 5);
}

/** Opens something with Enter, walks over what is in it, and leaves it with Escape: the focus is where it was. */
export async function walkInside(page, opener, inside, where) {
  await pressOn(page, opener);
  await inside.waitFor();
  await walk(page, inside, where, 1);
  await page.keyboard.press("Escape");
  // A list that is open in it is closed first.
  if (await inside.isVisible()) await page.keyboard.press("Escape");
  await inside.waitFor({ state: "hidden" });
  const isBack = () => opener.evaluate((one) => one === document.activeElement);
  await until(isBack, `${where}: the focus comes back`);
}

async function walk(page, root, where, least) {
  const expected = await root.evaluate(prepare, controls);
  assert.ok(expected >= least, `${where} has only ${expected} controls`);
  let ended = false;
  for (let step = 0; step < most && !ended; step += atOnce) {
    for (let tab = 0; tab < atOnce; tab += 1) await page.keyboard.press("Tab");
    ended = await page.evaluate(() => window.walk.isEnded);
  }
  assert.ok(ended, `${where}: Tab comes to no end`);
  const { faults, count } = await page.evaluate(() => window.walk.end());
  assert.deepEqual(faults, [], where);
  return count;
}

/** Goes to a control with Tab and presses a key there. */
export async function pressOn(page, locator, key = "Enter") {
  await tabTo(page, locator);
  await page.keyboard.press(key);
}
