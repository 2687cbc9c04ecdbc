// Runs when npm has installed the package: is there an addon that this Node loads? Where there is none, it is compiled.
import { ensureNative, loadError } from './native.mjs';

const say = (line) => console.error(`rafka: ${line}`);
try {
  const reason = loadError();
  if (reason !== undefined) {
    const { node, modules } = process.versions;
    say(`no prebuilt Kafka client fits Node ${node} (ABI ${modules}, ${process.platform} ${process.arch}): ${reason}`);
    await ensureNative(say);
  }
} catch (error) {
  say(error.message);
  process.exit(1);
}
