// Draws docs/benchmarks/*.svg from docs/benchmarks/results.json; `npm run docs` writes them, a test holds them against the file.
import { readFileSync } from 'node:fs';

const folder = new URL('../docs/benchmarks/', import.meta.url);
const [width, left, barHeight, rowHeight, top] = [880, 350, 15, 44, 56];
const [oursColor, yardstickColor, textColor] = ['#2f6fb2', '#b8c4d2', '#57606a'];

/** Every chart: where it is written, and its text. */
export function charts() {
  const results = JSON.parse(readFileSync(new URL('results.json', folder), 'utf8'));
  return [
    { file: new URL('producing.svg', folder), svg: rates('Producing over RESP, messages a second', results.producing) },
    { file: new URL('ratios.svg', folder), svg: ratios('Rate, as a share of the yardstick (1 = equal)', results) },
  ];
}

/** Two bars a row: ours and the yardstick's rate. */
function rates(title, rows) {
  const shown = rows.filter(({ ours, yardstick }) => ours.endsWith('/s') && yardstick);
  const values = shown.map(({ ours, yardstick }) => [number(ours), number(yardstick)]);
  const scale = (width - left - 190) / Math.max(...values.flat());
  const body = shown.map(({ what, ours, yardstick }, row) => {
    const y = top + row * rowHeight;
    const [our, other] = values[row];
    return (
      text(left - 10, y + barHeight + 4, what, 'end') +
      bar(y, our * scale, oursColor, ours) +
      bar(y + barHeight + 2, other * scale, yardstickColor, yardstick)
    );
  });
  return drawing(title, shown.length * rowHeight, body);
}

/** One bar a row, with a line at 1. */
function ratios(title, { producing, consuming, streams, rest, relay }) {
  const shown = [...producing, ...consuming, ...streams, ...rest, ...relay].filter(
    ({ ours, ratio, yardstick }) =>
      /^[\d.]+$/.test(ratio ?? '') && ours.endsWith('/s') && !yardstick.startsWith('one '),
  );
  const height = 26;
  const scale = (width - left - 230) / Math.max(...shown.map(({ ratio }) => Number(ratio)));
  const body = shown.map(({ what, ratio, yardstick }, row) => {
    const y = top + row * height;
    const label = `${ratio} of ${yardstick.replace(/ [\d,.]+\/s$/, '')}`;
    return text(left - 10, y + barHeight - 3, what, 'end') + bar(y, Number(ratio) * scale, oursColor, label);
  });
  const x = (left + scale).toFixed(1);
  const bottom = top + shown.length * height;
  const one = `<line x1="${x}" x2="${x}" y1="${top - 6}" y2="${bottom}" stroke="${textColor}" stroke-dasharray="3 3"/>\n`;
  return drawing(title, shown.length * height, [...body, one]);
}

function drawing(title, height, body) {
  const whole = height + top + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${whole}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${whole}" fill="#ffffff"/>
<text x="16" y="28" font-size="16" fill="#1f2328">${escaped(title)}</text>
${body.join('')}</svg>
`;
}

function bar(y, length, color, label) {
  const rect = `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" fill="${color}"/>\n`;
  return rect + text(left + length + 6, y + barHeight - 3, label, 'start');
}

function text(x, y, content, anchor) {
  return `<text x="${Number(x.toFixed(1))}" y="${y}" text-anchor="${anchor}" fill="${textColor}">${escaped(content)}</text>\n`;
}

/** The last number of `node-rdkafka 234,294/s`. */
function number(rate) {
  return Number(/([\d,]+)\/s$/.exec(rate)[1].replaceAll(',', ''));
}

function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
