// Drives the console in Chromium, and tells what is wrong as a JSON list of texts. The argument is JSON: the page's base, a
// user and password for it, an API key to try, the folder for pictures ("" for none).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { base, user, password, key, pictures, chromium: executablePath } = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
let shown; // the newest page
const views = ["traffic", "versions", "callers", "refused", "state", "webhooks", "apis"];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

// open gives a page of a browser of its own; what it asks of others, and what it complains of, is wrong.
async function open(name, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, httpCredentials: { username: user, password }, viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
  const page = (shown = await context.newPage());
  page.setDefaultTimeout(10000);
  page.on("request", (r) => { if (new URL(r.url()).origin !== new URL(base).origin) wrong.push(`${name}: asks ${r.url()}`); });
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") wrong.push(`${name}: console ${m.type()}: ${m.text()}`); });
  page.on("pageerror", (e) => wrong.push(`${name}: ${e.message}`));
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (e) => console.error("policy", e.violatedDirective, e.blockedURI, e.sample)));
  return page;
}

async function step(name, run) {
  try {
    await run();
  } catch (e) {
    if (shown) await picture(shown, "failed " + name.replaceAll(",", ""));
    wrong.push(`${name}: ${String(e.message).split("\n").slice(0, 4).join(" | ")}`);
  }
}

async function go(page, view) {
  await page.goto(`${base}/#/${view}`);
  await page.locator("main h1").waitFor();
  await page.waitForFunction(() => !document.querySelector("main .empty[role=status]"));
}

const has = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();

// accessible has axe look at what is shown.
async function accessible(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const v of found.violations) wrong.push(`${name}: axe ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary.replaceAll("\n", " ")).slice(0, 3).join("; ")}`);
}

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

// What each view has to show.
const shows = {
  async traffic(page) {
    await has(page, ".lamp", /^live$/);
    await has(page, ".row", "orders v1");
    await has(page, ".row .cell", /^[1-9]\d* requests$/);
    await page.locator(".chart canvas").nth(1).waitFor();
    await has(page, ".row", "(stages alone)");
    await page.locator(".row", { hasText: "orders v1" }).click();
    await has(page, "h1", "of orders v1");
    await page.getByRole("button", { name: "1 hour" }).click();
    await page.locator('.plot[aria-label*="in the last hour"]').first().waitFor();
    await page.getByRole("button", { name: "show all" }).click();
  },
  async versions(page) {
    await has(page, ".versions h3", "v1 deprecated");
    await page.locator('svg[aria-label*="v1 released 1 Feb 2023, deprecated 1 Jun 2026, ends 1 Mar 2030"]').waitFor();
    await has(page, ".versions li", "brown-out");
    await page.locator("rect.brownout").first().waitFor({ state: "attached" });
    await has(page, ".versions li", "1 caller, last");
    await page.locator(".versions > li", { hasText: "v2 active" }).locator("summary").click();
    await has(page, ".versions details li", "moved into a customer object");
  },
  async callers(page) {
    await has(page, ".callout", /stock v1 ends in .* called by one consumer/);
    await has(page, "td", "acme");
    await page.getByLabel("Consumer").fill("nobody-of-this-name");
    await has(page, ".empty", "Nobody, as far as is known.");
    await page.getByLabel("Consumer").fill("acm");
    await has(page, "td", "acme");
  },
  async refused(page) {
    await page.locator(".refusals button", { hasText: "quota-exceeded" }).first().click();
    await has(page, ".explained h3", "limit, by api_limit: ends here");
    await has(page, ".note", "What api_limit found then");
    await page.getByRole("button", { name: "close" }).click(); // which hides the others on a phone
    await page.locator(".refusals button", { hasText: "invalid-content" }).first().click();
    await has(page, ".explained h3", "validate: ends here");
    await has(page, ".explained code", "rule positive total");
    await has(page, ".facts dd", "acme");
  },
  async state(page) {
    await has(page, ".facts", "Generation");
    await has(page, ".concerns li", /stock v1 ends in \d+ days, and one consumer called it/);
    await has(page, ".quotas li", /acme.*hourly.*(8|9)\d %/);
    await has(page, "td", "data.shop.orders");
  },
  async webhooks(page) { await has(page, "td", "hook"); },
  async apis(page) {
    await page.getByLabel("Version").selectOption("v1");
    await has(page, ".prose", "deprecated since 2026-06-01");
    await page.locator(".operation > summary", { hasText: "post" }).first().click();
    await has(page, ".fields code", "customer_name");
    await has(page, ".answers .code", "422");
  },
};

// Each view shows what there is, in both colours.
for (const colorScheme of ["light", "dark"]) {
  const page = await open(colorScheme, { colorScheme });
  for (const view of views) {
    await step(`${view}, ${colorScheme}`, async () => {
      await go(page, view);
      await shows[view](page);
      if (await page.locator("html").getAttribute("data-theme") !== colorScheme) wrong.push(`${view}: not ${colorScheme}`);
      await accessible(page, `${view}, ${colorScheme}`);
      await picture(page, `${view}-${colorScheme}`);
      if ((await page.content()).includes(key)) wrong.push(`${view}: shows a key`);
    });
  }
  await page.context().close();
}

// All of it can be used with the keyboard alone.
await step("keyboard", async () => {
  const page = await open("keyboard");
  await go(page, "traffic");
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("Tab");
  if (!(await focused()).startsWith("Skip")) wrong.push(`keyboard: first is ${await focused()}`);
  await page.keyboard.press("Enter");
  if (!(await focused()).startsWith("Traffic")) wrong.push(`keyboard: behind the skip is ${await focused()}`);
  await page.keyboard.press("4");
  await has(page, "h1", "Refused requests");
  await page.locator(".refusals button").first().waitFor();
  if (!(await focused()).startsWith("Refused")) wrong.push(`keyboard: a new view begins at ${await focused()}`);
  await page.keyboard.press("Tab"); // the choice of problems
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  if (outline === "none") wrong.push("keyboard: what is focused cannot be seen");
  await page.keyboard.press("Enter");
  await page.locator(".detail .facts").waitFor();
  await page.keyboard.press("7");
  await has(page, "h1", "APIs");
  await page.locator(".operation > summary").first().waitFor();
  for (let i = 0; i < 6 && !(await page.evaluate(() => document.activeElement.matches(".operation > summary"))); i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".operation[open] .try").waitFor();
  await page.context().close();
});

// On a phone nothing is wider than the page.
await step("phone", async () => {
  const page = await open("phone", { viewport: { width: 375, height: 740 } });
  for (const view of views) {
    await go(page, view);
    await shows[view](page);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - 375);
    if (over > 0) wrong.push(`${view}: ${over} pixels wider than a phone`);
    if (view === "callers" || view === "refused") await accessible(page, `${view}, phone`); // which are laid out in another way
    await picture(page, `${view}-phone`);
  }
  await page.context().close();
});

// Colours can be chosen, and stay.
await step("colours", async () => {
  const page = await open("colours", { colorScheme: "light" });
  await go(page, "state");
  await page.getByRole("button", { name: "Colours: auto" }).click();
  await page.getByRole("button", { name: "Colours: light" }).click();
  await page.reload();
  await page.locator('html[data-theme="dark"]').waitFor();
  await page.context().close();
});

// An event that was given up is delivered again, and a request tried.
await step("acting", async () => {
  const page = await open("acting");
  await go(page, "webhooks");
  await page.getByRole("button", { name: /^Replay / }).first().click();
  await has(page, ".told", "is delivered again");
  await page.getByRole("button", { name: "delivered" }).click();
  await has(page, "td", "hook");

  await go(page, "apis");
  await page.getByLabel("Version").selectOption("v2");
  await page.locator(".operation > summary", { hasText: "/orders/{id}" }).first().click();
  await page.getByLabel("Credential of orders").fill(key);
  await page.locator(".try input[required]").fill("acme-1001");
  await page.getByRole("button", { name: "Send GET" }).click();
  await has(page, ".came .code", "200");
  await has(page, ".came pre", '"id": "acme-1001"');
  await page.locator(".try input[required]").fill("globex-1001");
  await page.getByRole("button", { name: "Send GET" }).click();
  await has(page, ".came .code", "403");
  await page.getByRole("button", { name: "Explain" }).click();
  await has(page, ".explained h3", "authorize: ends here");
  await accessible(page, "a request that was tried");
  await picture(page, "tried");
  await page.context().close();
});

await browser.close();
console.log(JSON.stringify(wrong));
