// A browser that notices whatever is wrong with a page.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ROOT = new URL("../../", import.meta.url).pathname;
const OURS = join(ROOT, ".tools/chromium");

// The machine's own, or the one that `make page` unpacked, with the libraries and fonts that came with it.
function where() {
  const executablePath = join(OURS, "usr/lib/chromium/chromium");
  const installed = process.env.PATH.split(delimiter).map((it) => join(it, "chromium")).find((it) => existsSync(it));
  if (installed) return { executablePath: installed };
  const folders = readdirSync(join(OURS, "usr/lib")).filter((it) => it.endsWith("-linux-gnu"));
  const libraries = folders.flatMap((it) => [join(OURS, "usr/lib", it), join(OURS, "usr/lib", it, "pulseaudio")]);
  const fonts = join(OURS, "fonts.conf");
  const family = (generic, ours) => `<alias><family>${generic}</family><prefer><family>${ours}</family></prefer></alias>`;
  writeFileSync(fonts, `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
    <dir>${OURS}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${OURS}/fonts</cachedir>
    ${family("system-ui", "Liberation Sans")}${family("sans-serif", "Liberation Sans")}
    ${family("monospace", "Liberation Mono")}</fontconfig>`);
  return {
    executablePath,
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":"), FONTCONFIG_FILE: fonts },
  };
}

export async function open(port, token) {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({
    ...where(),
    args: [...sandbox, "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  return new Visit(browser, `http://localhost:${port}/`, token);
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

class Visit {
  constructor(browser, url, token) {
    Object.assign(this, { browser, url, token, wrong: [], expected: [] });
  }

  // A new page. Whatever it complains about is wrong, unless it was expected.
  async page(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(30000);
    const complain = (text) => {
      if (!this.expected.some((it) => text.includes(it))) this.wrong.push(text);
    };
    page.on("console", (it) => { if (["error", "warning"].includes(it.type())) complain(it.text()); });
    page.on("pageerror", (error) => complain(String(error)));
    page.on("dialog", (dialog) => { complain(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => {
      if (!request.url().startsWith(this.url)) complain(`asks for ${request.url()}`);
    });
    return page;
  }

  // Asks the test for something, and waits until it is done.
  async ask(...question) {
    console.log(JSON.stringify(question));
    const { value } = await answers.next();
    return JSON.parse(value);
  }

  // What keeps people from reading or using it, light and dark, wide and narrow.
  async isAccessible(page) {
    await page.evaluate(AXE);
    const width = page.viewportSize().width;
    for (const colorScheme of ["light", "dark"]) {
      for (const wide of [1200, 360]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width: wide, height: 900 });
        const found = await page.evaluate(() => globalThis.axe.run());
        const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((it) => it.html).join("\n  ")}`);
        assert.deepEqual(told, [], `${colorScheme}, ${wide} pixels`);
        const sideways = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(sideways <= wide, `${sideways} pixels wide at ${wide}`);
        await this.picture(page, `${colorScheme}-${wide}`);
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width, height: 900 });
  }

  // For people to look at, where SCREENSHOTS names a folder.
  async picture(page, name) {
    const folder = process.env.SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${process.argv[2]}-${name}.png`), fullPage: true });
  }

  async close() {
    await this.browser.close();
    assert.deepEqual(this.wrong, []);
  }
}
