// The banner on a terminal: what listens where, which Kafka, and what to try.

export interface BannerFacts {
  readonly version: string;
  readonly node: string;
  /** By listener: `resp`, `http`, ... */
  readonly addresses: readonly (readonly [listener: string, address: string])[];
  /** Undefined: embedded. */
  readonly kafka: string | undefined;
  /** Its address for redis-cli; undefined without a RESP listener on a port. */
  readonly respPort: number | undefined;
  /** Where a browser finds the console; undefined: nowhere. */
  readonly console?: string | undefined;
  readonly isPasswordNeeded: boolean;
  readonly isColored: boolean;
}

export function banner(facts: BannerFacts): string {
  const { version, node, addresses, kafka, respPort, isPasswordNeeded, isColored } = facts;
  const bold = (text: string): string => (isColored ? `\x1b[1m${text}\x1b[0m` : text);
  const red = (text: string): string => (isColored ? `\x1b[1;31m${text}\x1b[0m` : text);
  const page = facts.console === undefined ? [] : [['console', bold(facts.console)] as const];
  const rows = [
    ...addresses,
    ...page,
    ['Kafka', kafka ?? red('embedded, in memory: nothing is kept when it ends')] as const,
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    '',
    `${bold(`Rafka ${version}`)} (Node ${node})`,
    ...rows.map(([name, where]) => `  ${name.padEnd(width)}  ${where}`),
    ...(respPort === undefined ? [] : examples(respPort, isPasswordNeeded).map((line) => `  ${line}`)),
    '  Ctrl-C stops in order.',
    '',
    '',
  ].join('\n');
}

function examples(port: number, isPasswordNeeded: boolean): string[] {
  const client = `redis-cli -p ${port}${isPasswordNeeded ? ' --askpass' : ''}`;
  return [
    '',
    `${client} rpushx topics:greetings hello`,
    `${client} dump 1000    # 0: Kafka has it`,
    `printf 'client setname me:1\\nblpop topics:greetings 5\\n' | ${client}`,
    '',
  ];
}
