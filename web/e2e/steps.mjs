// What someone does who has a keyboard and no mouse.

/** Presses Tab, or its opposite, until that has the focus. */
export async function tabTo(page, locator, key = "Tab") {
  // A control may be drawn by another element than itself.
  await locator.waitFor({ state: "attached" });
  for (let step = 0; step < 400; step += 1) {
    if (await locator.evaluate((one) => one === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`no way by ${key} to ${locator}`);
}

export async function press(page, ...keys) {
  for (const key of keys) await page.keyboard.press(key);
}

/** Waits until it is so; what the test names is told if it never is. */
export async function until(test, what) {
  for (let turn = 0; turn < 100; turn += 1) {
    if (await test()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it never came: ${what}`);
}

/** Goes to an item of the open menu by arrow keys, which scroll the page as long as the menu has not taken the focus. */
export async function tabToItem(page, name) {
  await page.locator("[role=menu]:focus-within").waitFor();
  const item = page.getByRole("menuitem", { name, exact: typeof name === "string" });
  await item.waitFor();
  for (let step = 0; step < 40; step += 1) {
    if (await item.evaluate((one) => one === document.activeElement)) return;
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`arrow keys do not reach ${name}`);
}

/** An item of a menu, by the keys of menus. */
export async function chooseFrom(page, menu, item) {
  await tabTo(page, page.getByRole("button", { name: menu, exact: true }));
  await press(page, "Enter");
  await tabToItem(page, item);
  await press(page, "Enter");
}
