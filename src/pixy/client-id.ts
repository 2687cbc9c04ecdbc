// The default client id of a process: Nomad's allocation, Docker's container, or the host.

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Empty when unknown. */
  readonly hostname: string;
  readonly pid: number;
  /** The text of /proc/self/cgroup; empty without one. */
  readonly cgroup: string;
  /** 8 hexadecimal digits. */
  readonly random: string;
}

export function generateClientId({ env, hostname, pid, cgroup, random }: Surroundings): string {
  const allocation = env.NOMAD_ALLOC_ID;
  if (allocation) {
    const index = env.NOMAD_ALLOC_INDEX;
    return `kp_nomad_${allocation.split('-')[0]}${index ? `_${index}` : ''}`;
  }
  if (!hostname) return `kp_${random}`;
  const container = /docker[/-]([0-9a-f]{12})/.exec(cgroup)?.[1];
  return `kp_${hostname}_${container ?? pid}`;
}
