// Refuses a Node that is too old. main.ts imports it first, so that it speaks before anything that such a Node can't run.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

// As `engines` of package.json, scripts/node.mjs and bin/with-node say.
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `rafka: Node ${process.versions.node} is too old: install 22.12 or newer, or run \`npm run setup\` in a clone, which fetches one`,
  );
  process.exit(1);
}
