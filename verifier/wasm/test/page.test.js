// The example page in headless Chromium, from a static file server: with the mouse, and with the keyboard alone.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { CONTEXT, FILES, HALO2, native, read, restated } from "./files.js";
import { Site } from "./site.js";

const file = (system, name) => join(FILES, system.replace(":", "-"), name);
const SYSTEM = "groth16-lookup-bn254:v1";

let site, page;

before(async () => (site = await Site.open()));
after(() => site?.close());

async function open() {
  await page?.close();
  page = await site.page();
}

const upload = async (id, path) => (await page.$(`#${id}`)).uploadFile(path);
const text = (id) => page.$eval(`#${id}`, (e) => e.textContent);

/** Waits for the verdict, and gives its heading. */
async function verdict() {
  await page.waitForSelector("#verdict:not([hidden])", { timeout: 300_000 });
  assert.equal(await page.evaluate(() => document.activeElement.id), "verdict");
  return text("answer");
}

async function check(proof, key, fields = {}) {
  await open();
  await upload("proof", proof);
  await upload("key", key);
  await page.click("#allow_dev_setup");
  for (const [id, value] of Object.entries(fields)) await page.type(`#${id}`, value);
  await page.click("button");
  return verdict();
}

describe("the example page", () => {
  test("a valid proof is accepted, and each condition told", async () => {
    const { model_id, vk_digest, output } = native(SYSTEM).claim;
    const answer = await check(file(SYSTEM, "proof"), file(SYSTEM, "verifying.key"), {
      expect_vk: vk_digest,
      expect_model: model_id,
      expect_context: CONTEXT,
      expect_output: output.integers.join(", "),
    });
    assert.match(answer, /^✓ The proof holds, and it is what you expect/);
    const conditions = await page.$$eval("#conditions .met", (all) => all.map((e) => e.textContent));
    assert.equal(conditions.length, 4);
    assert.match(conditions.join(), /key is the one.*network is the one.*made for your task.*result is the one/s);
    assert.match(await text("open"), /whoever made it can forge/);
    assert.deepEqual(JSON.parse(await text("json")).claim, native(SYSTEM).claim);
    await page.screenshot({ path: process.env.AVOUCH_SCREENSHOT, fullPage: true });
  });

  test("a tampered proof is rejected", async () => {
    await writeFile(file(SYSTEM, "tampered"), restated(read(SYSTEM, "proof")));
    const answer = await check(file(SYSTEM, "tampered"), file(SYSTEM, "verifying.key"));
    assert.match(answer, /^✗ The proof does not hold/);
    assert.equal(await page.$eval("#facts", (e) => e.hidden), true);
  });

  test("a proof for another key is rejected", async () => {
    assert.match(await check(file(SYSTEM, "proof"), file(SYSTEM, "other.key")), /^✗ The proof is for another key/);
  });

  test("an unmet condition is told", async () => {
    const answer = await check(file(SYSTEM, "proof"), file(SYSTEM, "verifying.key"), { expect_context: "00".repeat(32) });
    assert.match(answer, /^✗ The proof holds, but it is not what you expect/);
    assert.match(await page.$eval("#conditions .unmet", (e) => e.textContent), /^✗No\. The proof was made for your task/);
  });

  test("nonsense in the form is told", async () => {
    const answer = await check(file(SYSTEM, "proof"), file(SYSTEM, "verifying.key"), { expect_output: "seven" });
    assert.match(answer, /^✗ Something in the form cannot be read/);
  });

  test("a transparent key is derived", async () => {
    assert.match(await check(file(HALO2, "proof"), file(HALO2, "verifying.key")), /^✓ The proof holds/);
    assert.match(await text("claim"), /derived from the network itself/);
  });

  test("the keyboard is enough", async () => {
    await open();
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
    const seen = [];
    for (let i = 0; i < 20 && seen.at(-1) !== "BUTTON"; i++) {
      await page.keyboard.press("Tab");
      const id = await focused();
      seen.push(id);
      // The dialog opens by the space bar, and is the browser's own.
      if (["proof", "key"].includes(id)) {
        const chooser = page.waitForFileChooser();
        await page.keyboard.press("Space");
        await (await chooser).accept([file(SYSTEM, id === "proof" ? "proof" : "verifying.key")]);
      }
      if (id === "allow_dev_setup") await page.keyboard.press("Space");
    }
    assert.deepEqual(seen.filter((id) => ["proof", "key", "allow_dev_setup", "BUTTON"].includes(id)), [
      "proof",
      "key",
      "allow_dev_setup",
      "BUTTON",
    ]);
    await page.keyboard.press("Enter");
    assert.match(await verdict(), /^✓ The proof holds/);
  });

  test("everything has a name", async () => {
    await open();
    const { children } = await page.accessibility.snapshot();
    const controls = children.filter(({ role }) => ["textbox", "checkbox", "button"].includes(role));
    assert.ok(controls.length >= 8, `${controls.length} controls`);
    for (const { role, name } of controls) assert.ok(name?.trim(), `a ${role} without a name`);
  });
});
