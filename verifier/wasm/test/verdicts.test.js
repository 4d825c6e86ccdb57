// The verdict vectors, by the packages in Node.
import { join } from "node:path";
import { test } from "node:test";

import { PACKAGES, packageName } from "./files.js";
import { ask, check } from "./verdicts.js";

test("packages in Node say what the vectors say", () =>
  check("wasm-node", (system, question) => ask({ module: join(PACKAGES, packageName(system), "node.js"), ...question })));
