/**
 * How much a page loads: the client with all that is in its folder, minified and compressed.
 *
 *     npm run size
 *
 * The site itself serves the modules as they are; this is what somebody who bundles them gets, and a bar that keeps the
 * client small enough to read in one sitting.
 */

import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const FOLDER = fileURLToPath(new URL("../../apps/transports/static/transports/", import.meta.url));

/** The most that all of it may be, minified and compressed, in bytes. */
export const MOST_BYTES = 12_000;

/**
 * Bundle everything that the given modules need.
 *
 * @param {string[]} names  files of the client's folder
 * @returns {Promise<{modules: string[], minified: number, compressed: number}>}  sizes in bytes
 */
export async function sizeOf(names) {
  const { metafile, outputFiles } = await build({
    stdin: { contents: names.map((name) => `export * from "./${name}";`).join("\n"), resolveDir: FOLDER },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    metafile: true,
    write: false,
  });
  const [{ contents }] = outputFiles;
  const modules = Object.keys(metafile.inputs).filter((path) => path !== "<stdin>");
  return { modules, minified: contents.length, compressed: gzipSync(contents, { level: 9 }).length };
}

/** All modules of the client. */
export async function everything() {
  return (await readdir(FOLDER)).filter((name) => name.endsWith(".js")).sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const parts = [
    ["one transport (sse.js, say)", ["sse.js"]],
    ["subscribe", ["client.js"]],
    ["subscribe and subscribeShared", ["client.js", "shared_subscription.js"]],
    ["all of the folder", await everything()],
  ];
  console.log("modules  minified  and gzipped");
  for (const [what, names] of /** @type {[string, string[]][]} */ (parts)) {
    const { modules, minified, compressed } = await sizeOf(names);
    const figures = [String(modules.length).padStart(7), String(minified).padStart(8), String(compressed).padStart(11)];
    console.log(`${figures.join("  ")}  ${what}`);
  }
  console.log(`at most ${MOST_BYTES} bytes`);
}
