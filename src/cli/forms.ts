// The command lines of the four jobs. The program's commands, `health`, `check`, the completions and the manual use them.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Setting } from '../app/config.js';
import { fromText, settingTypes } from '../app/config.js';
import { type Flag, gatewayFlags, kafkaFlags } from '../app/flags.js';
import { pixyFlags } from '../pixy/command.js';
import { risFlags } from '../ris/flags.js';

export const jobs = ['gateway', 'ris', 'pixy', 'relay'] as const;

/** The kinds of process. */
export type Job = (typeof jobs)[number];

/** Flags of `rafka ris` that set a key of the configuration. */
export const risSettings: readonly Flag[] = [...kafkaFlags, ...risFlags];

const listed = (value: string, before: string[] = []): string[] => [...before, ...value.split(',')];

/** The words of Go's flags. @throws InvalidArgumentError */
function truth(value: string): boolean {
  if (/^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  throw new InvalidArgumentError('Use true or false.');
}

/** Gives a command the options of a job. */
export const forms: Readonly<Record<Job, (command: Command) => Command>> = {
  gateway(command) {
    command.option(
      '-c, --config <file>',
      "JSON configuration; Rafka's librdkafka.json is one (default: --brokers, or the embedded Kafka)",
    );
    return addFlags(command, gatewayFlags);
  },
  ris(command) {
    command
      .option('-c, --config <file>', 'JSON configuration (default: --brokers, or the embedded Kafka)')
      .option('--dry-run', 'convert --input to --output, without Kafka and Redis')
      .option('--input <file>', 'RIS Live lines (.jsonl or .jsonl.gz)')
      .option('--output <file>', '.tsv (RIS id and hex), .hex or .pcap');
    return addFlags(command, risSettings);
  },
  pixy(command) {
    command
      .option('--config <file>', 'YAML file (default: built-in settings, one cluster on localhost:9092)')
      .option('--pidFile <file>', 'write the process id there')
      .option('--logging <json>', 'ignored: the log is JSON on stderr');
    for (const [flag, about] of pixyFlags) command.option(flag, about);
    return command;
  },
  relay: (command) =>
    command
      .option('--config <file>', 'TOML file; several are merged, later ones win (default: config.toml)', listed)
      .option('--mode <mode>', 'single: read the first source; failover: all of them in turn (default: single)')
      .option(
        '--stop-at-end [yes]',
        'end each topic where it ends at the start; =false: do not, whatever the file says',
        truth,
      )
      .option('--topic <source:target[:partition]>', 'relay this topic as well, or differently', listed)
      .option('--filter <module>', 'JavaScript module with create(config): which messages pass', listed)
      .option('--restart-topic <source>', 'forget the progress of this topic and copy it from its beginning', listed)
      .option('--start-at <topic:partition:offset>', 'go on there, whatever is recorded', listed),
};

export function addFlags(command: Command, flags: readonly Flag[]): Command {
  const types = settingTypes();
  for (const { flag, path, about, choices } of flags) {
    const fallback = types.get(path)?.default;
    // A switch is off, or its name says what it is without it.
    const standard = fallback === undefined || typeof fallback === 'boolean' ? '' : ` (default: ${fallback})`;
    const option = new Option(flag, `${about} [${path}]${standard}`);
    if (choices) option.choices([...choices]);
    command.addOption(option);
  }
  return command;
}

/** The given flags, as settings. */
export function flagSettings(command: Command, flags: readonly Flag[]): Setting[] {
  const types = settingTypes();
  return flags.flatMap(({ flag, path }): Setting[] => {
    const name = new Option(flag).attributeName();
    const value: unknown = command.getOptionValue(name);
    if (command.getOptionValueSource(name) !== 'cli') return [];
    const type = types.get(path)?.type;
    return [[path, typeof value === 'string' && type ? fromText(type, value) : value]];
  });
}
