// The example page's folder from a static file server, and headless Chromium to open it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import puppeteer from "puppeteer-core";

const SITE = process.env.AVOUCH_WASM_SITE;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };

export class Site {
  #server;
  #browser;

  static async open() {
    const site = new Site();
    site.#server = createServer(async ({ url }, response) => {
      const path = normalize(new URL(url, "http://x").pathname);
      try {
        const body = await readFile(join(SITE, path === "/" ? "index.html" : path));
        response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/html" }).end(body);
      } catch {
        response.writeHead(404).end();
      }
    }).listen(0, "127.0.0.1");
    const args = ["--no-sandbox", "--disable-dev-shm-usage"];
    site.#browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args });
    return site;
  }

  /** The example page, on which no error passes. */
  async page() {
    const page = await this.#browser.newPage();
    await page.setViewport({ width: 900, height: 1400 });
    page.on("pageerror", (e) => assert.fail(e.message));
    page.on("console", (m) => m.type() === "error" && assert.fail(m.text()));
    await page.goto(`http://127.0.0.1:${this.#server.address().port}/`, { waitUntil: "load" });
    return page;
  }

  async close() {
    await this.#browser?.close();
    this.#server?.close();
  }
}
