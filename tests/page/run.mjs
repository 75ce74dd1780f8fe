// run.mjs SCENARIO PORT TOKEN: what a person does with the status page of a relay that runs on this port.
import assert from "node:assert/strict";
import { open } from "./browser.mjs";

const HOSTILE = "<img src=x onerror=\"alert(1)\">'&lt;\u202e";
const LIVE = "Live: what changes shows by itself.";

// Changes arrive, and what the reader did stays; the relay ends quickly with a page open, and its next start is noticed.
async function live(visit) {
  const page = await visit.page();
  await page.goto(visit.url);
  await page.getByText(LIVE).waitFor();
  await titled(page, "1 environment, 1 up to date");
  await page.evaluate(() => { globalThis.stillHere = true; });
  const search = page.getByLabel("Find an environment");
  await search.fill("prod");

  await visit.ask("put", HOSTILE, 7);
  const shown = HOSTILE.replace("\u202e", "\\u{202e}");
  await page.getByText(shown, { exact: true }).waitFor();
  const first = page.locator("tbody tr").first();
  assert.match(await first.textContent(), /7 new.* ms/);
  assert.equal(await search.inputValue(), "prod");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  assert.equal(await page.locator("img, main script").count(), 0);

  await page.locator("summary").click();
  await visit.ask("put", "unseen", 1);
  await page.getByText("unseen", { exact: true }).waitFor({ state: "attached" });
  assert.equal(await page.locator("details").getAttribute("open"), null, "what was closed stays closed");
  await page.locator("summary").press("Enter");
  const again = page.getByRole("button", { name: /^Look again/ });
  await again.focus();
  await visit.ask("put", "dark-mode", 2);
  await page.getByText("dark-mode", { exact: true }).waitFor();
  assert.match(await page.evaluate(() => document.activeElement.id), /sync-button$/);
  await again.press("Enter");
  await page.getByText("production: accepted").waitFor();
  await visit.isAccessible(page);

  visit.expected.push("ERR_CONNECTION_REFUSED", "503", "ERR_INCOMPLETE", "ERR_EMPTY");
  await visit.ask("stop");
  await page.getByText(/^Not live/).first().waitFor();
  await visit.picture(page, "stopped");
  await visit.ask("start");
  await page.getByText(LIVE).waitFor();
  await visit.ask("put", "after-the-restart", 1);
  await page.getByText("after-the-restart", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.stillHere), true, "the page was never loaded again");
  assert.equal(await search.inputValue(), "prod");
}

// From the top of the page to the button and through it, without a mouse.
async function keyboard(visit) {
  const page = await visit.page();
  await page.goto(visit.url);
  const button = page.getByRole("button", { name: "Confirm 25 removals of production" });
  await button.waitFor();
  await visit.isAccessible(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  const isThere = () => button.evaluate((it) => it === document.activeElement);
  for (let presses = 0; presses < 10 && !await isThere(); presses += 1) await page.keyboard.press("Tab");
  assert.ok(await isThere(), "the button is reached");
  const outline = await button.evaluate((it) => getComputedStyle(it).outlineStyle);
  assert.notEqual(outline, "none", "it is seen where the focus is");
  await page.keyboard.press("Enter");
  await page.getByText("production: accepted").waitFor();
  await button.waitFor({ state: "detached" });
  await titled(page, "1 environment, 1 up to date");
  await page.getByText("Up to date", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY", "the focus is not lost");
  assert.equal(await visit.ask("live flags"), 5);
}

// A proxy says that the browser is elsewhere.
async function token(visit) {
  visit.expected.push("403");
  const page = await visit.page({ extraHTTPHeaders: { "X-Forwarded-For": "192.0.2.1" } });
  await page.goto(visit.url);
  const button = page.getByRole("button", { name: /^Confirm 25 removals/ });
  await button.click();
  await page.getByText("type ADMIN_TOKEN in the field above first").waitFor();
  const field = page.getByLabel("ADMIN_TOKEN, for the buttons");
  await field.fill("a guess");
  await button.click();
  await page.getByText("this is not the relay's ADMIN_TOKEN").waitFor();
  assert.equal(await visit.ask("live flags"), 30);
  await visit.isAccessible(page);
  await field.fill(visit.token);
  await button.click();
  await page.getByText("production: accepted").waitFor();
  await button.waitFor({ state: "detached" });
  assert.equal(await visit.ask("live flags"), 5);
  assert.ok(!page.url().includes(visit.token));
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
}

async function plain(visit) {
  const page = await visit.page({ javaScriptEnabled: false });
  await page.goto(visit.url);
  // Nothing shows by itself here.
  while (!await page.getByRole("button", { name: /^Confirm 25/ }).count()) await page.reload();
  await page.getByText("Removals held", { exact: true }).waitFor();
  await page.getByText(/^Without JavaScript this page shows how it was/).waitFor();
  await page.getByRole("link", { name: /^have it load itself again/ }).click();
  assert.equal(await page.locator("meta[http-equiv=refresh]").getAttribute("content"), "15");
  await page.getByRole("link", { name: "Stop that" }).click();
  await visit.picture(page, "page");
  await page.getByLabel("Find an environment").fill("elsewhere");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByText("0 of 1 environment").waitFor();
  assert.equal(await page.locator("article:visible").count(), 0);
  await page.goto(visit.url);
  await page.getByRole("button", { name: /^Confirm 25 removals/ }).click();
  await page.getByRole("heading", { name: "Accepted" }).waitFor();
  await visit.picture(page, "answer");
  await page.getByRole("link", { name: "Back to the environments" }).click();
  await page.getByRole("button", { name: /^Look again/ }).click();
  await page.getByRole("heading", { name: "Accepted" }).waitFor();
  await page.goto(visit.url);
  while (await page.getByRole("button", { name: /^Confirm/ }).count()) await page.reload();
  assert.equal(await visit.ask("live flags"), 5);
}

async function hundred(visit) {
  const page = await visit.page();
  await page.goto(visit.url);
  await titled(page, "100 environments, 99 up to date");
  // Those that something is the matter with are open from the start.
  await page.reload();
  const cards = page.locator("article.environment");
  assert.equal(await cards.count(), 100);
  const levels = await cards.evaluateAll((all) => all.map((it) => it.dataset.level));
  assert.deepEqual([...new Set(levels)], ["trouble", "attention", "good"]);
  await page.getByText("\"><script>alert(1)</script>&amp;", { exact: true }).waitFor();
  await visit.isAccessible(page);

  const search = page.getByLabel("Find an environment");
  await search.fill("TEAM-42");
  await page.getByText("1 of 100 environments").waitFor();
  assert.equal(await page.locator("article:visible").count(), 1);
  await page.locator("article:visible").getByText("far-too-large").waitFor();
  assert.equal(new URL(page.url()).search, "?q=TEAM-42");
  await page.reload();
  assert.equal(await page.locator("article:visible").count(), 1);
  assert.equal(await search.inputValue(), "TEAM-42");
  await search.fill("");
  assert.equal(await page.locator("article:visible").count(), 100);
}

// LaunchDarkly lists the environments: who comes, who cannot be used, and who would go shows by itself.
async function roster(visit) {
  const page = await visit.page();
  await page.goto(visit.url);
  await titled(page, "2 environments, 2 up to date");
  const card = page.locator("#roster");
  await card.getByText("Up to date", { exact: true }).waitFor();
  assert.equal(await card.locator("details").getAttribute("open"), null, "nothing is the matter");
  await page.getByText("<script>alert(1)</script>", { exact: true }).waitFor();
  await page.getByLabel("Find an environment").fill("the harbor <SCRIPT");
  await page.getByText("1 of 2 environments").waitFor();
  await page.getByLabel("Find an environment").fill("");

  await visit.ask("list", "5f03");
  await page.locator("#env-5f03").waitFor();
  await visit.ask("list unusably", "5f04");
  await page.locator("#roster-row").press("Enter");
  await card.getByRole("row", { name: /^5f04 / }).waitFor();
  await card.getByText("not served", { exact: true }).waitFor();

  await visit.ask("list nobody", ["5f01", "5f02", "5f03"]);
  const button = page.getByRole("button", { name: "Confirm the removal of 3 environments" });
  await button.waitFor();
  await visit.isAccessible(page);
  await button.press("Enter");
  await page.getByText("Auto-configuration: accepted").waitFor();
  await titled(page, "0 environments, 0 up to date");
  await page.getByText("No environment is known.", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "roster-row", "the focus is not lost");
  await visit.picture(page, "removed");
}

// A stream ends after 25 s and the next begins: nobody is told of that. The page looks often, so that it would show.
async function quiet(visit) {
  const page = await visit.page();
  await page.addInitScript(() => {
    const every = globalThis.setInterval;
    globalThis.setInterval = (does, milliseconds) => every(does, milliseconds / 20);
  });
  await page.goto(visit.url);
  await page.getByText(LIVE).waitFor();
  await page.evaluate(() => {
    globalThis.said = [];
    const line = document.getElementById("live");
    new MutationObserver(() => said.push(line.textContent)).observe(line, { childList: true });
  });
  await page.waitForResponse((it) => it.url().includes("/live?since="), { timeout: 60000 });
  await visit.ask("put", "in-the-next-stream", 1);
  await page.getByText("in-the-next-stream", { exact: true }).waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.said), []);
}

// What the title begins with, once it does.
async function titled(page, text) {
  await page.waitForFunction((text) => document.title.startsWith(text), text);
}

const [, , scenario, port, secret] = process.argv;
const visit = await open(port, secret);
await { live, keyboard, token, plain, hundred, quiet, roster }[scenario](visit);
await visit.close();
process.exit();
