// Run by `npm version <new>`, between the new package.json and its commit: writes the version wherever else it stands, and dates the changelog.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const day = new Date().toISOString().slice(0, 10);

/** @throws Error if the file has no such place */
function change(file, pattern, text) {
  const before = readFileSync(file, 'utf8');
  if (!pattern.test(before)) throw new Error(`${file} has no ${pattern}`);
  writeFileSync(file, before.replace(pattern, text));
  execFileSync('git', ['add', file]);
}

change('deploy/helm/rafka/Chart.yaml', /^version: .*\nappVersion: .*$/m, `version: ${version}\nappVersion: ${version}`);
change('Dockerfile', /^ARG VERSION=.*$/m, `ARG VERSION=${version}`);
for (const name of readdirSync('deploy/kubernetes'))
  change(`deploy/kubernetes/${name}`, /image: rafka:\S+/g, `image: rafka:${version}`);
change('CHANGELOG.md', /^## \[Unreleased\]\n/m, `## [Unreleased]\n\n## [${version}] - ${day}\n`);
