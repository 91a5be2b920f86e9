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

/** An item of a menu, by the keys of menus. */
export async function chooseFrom(page, menu, item) {
  await tabTo(page, page.getByRole("button", { name: menu, exact: true }));
  await press(page, "Enter");
  const wanted = page.getByRole("menuitem", { name: item });
  await wanted.waitFor();
  for (let step = 0; step < 5; step += 1) {
    if (await wanted.evaluate((one) => one === document.activeElement)) break;
    await press(page, "ArrowDown");
  }
  await press(page, "Enter");
}
