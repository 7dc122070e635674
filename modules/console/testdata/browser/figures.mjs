// Measures how long the console takes from the navigation to the first complete view, in milliseconds, as JSON: {"loads":
// [...]}. Then it keeps a page open for as many seconds as it is told.
import { chromium } from "playwright-core";

const { base, user, password, chromium: executablePath, watch } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ ignoreHTTPSErrors: true, // As a browser that knows the password; the one of Playwright asks its driver before each request.
  extraHTTPHeaders: { Authorization: "Basic " + Buffer.from(`${user}:${password}`).toString("base64") }, viewport: { width: 1280, height: 800 } });
const loads = [];
let page;
for (let i = 0; i < 7; i++) {
  await page?.close();
  page = await context.newPage();
  await page.addInitScript(() => {
    // Complete is the view with its charts drawn, and a row for each version.
    const look = () => (document.querySelectorAll(".chart canvas").length === 2 && document.querySelectorAll(".row").length > 10 ? (window.complete = performance.now()) : requestAnimationFrame(look));
    requestAnimationFrame(look);
  });
  await page.goto(base + "/", { waitUntil: "commit" });
  await page.waitForFunction(() => window.complete > 0);
  loads.push(await page.evaluate(() => Math.round(window.complete)));
}
console.log(JSON.stringify({ loads }));
await new Promise((end) => setTimeout(end, watch * 1000));
await browser.close();
