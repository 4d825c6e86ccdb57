// The verdict vectors, by the packages in headless Chromium.
import { after, before, test } from "node:test";

import { packageName } from "./files.js";
import { Site } from "./site.js";
import { ask, check } from "./verdicts.js";

let site;
before(async () => (site = await Site.open()));
after(() => site?.close());

test("packages in Chromium say what the vectors say", async () => {
  const page = await site.page();
  await check("wasm-chromium", (system, question) =>
    page.evaluate(ask, { module: `./${packageName(system)}/browser.js`, ...question }),
  );
});
