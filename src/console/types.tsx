// What the API answers. null: unknown.

export interface Session {
  readonly user: string;
  readonly isAdmin: boolean;
  readonly job: 'gateway' | 'pixy' | 'ris' | 'relay';
  readonly clusters: readonly string[];
  readonly allowActions: boolean;
  readonly showPayloads: boolean;
  readonly redisPort: number | null;
  readonly hasClients: boolean;
  readonly hasStreams: boolean;
  readonly hasPrompt: boolean;
  readonly hasRis: boolean;
  readonly hasRelay: boolean;
  readonly hasRest: boolean;
  readonly token: string;
}

interface Rate {
  readonly perSecond: number | null;
  readonly history: readonly number[];
}

export interface Status {
  readonly name: string;
  readonly job: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly ready: boolean | null;
  readonly reason: string;
  readonly embedded: boolean;
  readonly clusters: readonly {
    readonly name: string;
    readonly embedded: boolean;
    readonly kafka: string | null;
    readonly brokersUp: number | null;
    readonly brokers: number | null;
  }[];
  readonly throughput: { readonly received: Rate; readonly sent: Rate };
}

export interface Overview {
  readonly listeners: readonly {
    readonly name: string;
    readonly received: Rate & { total: number };
    readonly sent: Rate & { total: number };
  }[];
  readonly clients: number | null;
  readonly connectionsAccepted: number | null;
  readonly eventLoopLagMs: number | null;
  readonly memoryBytes: number | null;
  readonly heapBytes: number | null;
  readonly errors: readonly { readonly listener: string; readonly code: string; readonly count: number }[];
}

export interface Paged<T> {
  readonly rows: readonly T[];
  readonly total: number;
  readonly page: number;
  readonly size: number;
}

export interface TopicRow {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly underReplicated: number;
  readonly messages: number | null;
  readonly perSecond: number | null;
  readonly retentionMs: number | null;
  readonly isCompacted: boolean | null;
}

export interface PartitionRow {
  readonly partition: number;
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly begin: number | null;
  readonly end: number | null;
}

export interface Topic extends TopicRow {
  readonly partitionRows: readonly PartitionRow[];
  readonly minIsr: number | null;
  readonly config: Readonly<Record<string, { readonly value: string; readonly overridden: boolean }>> | null;
}

export interface Bytes {
  readonly base64: string;
  readonly isCut: boolean;
}

export interface MessageRow {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number | null;
  readonly size: number | null;
  readonly isHidden?: boolean;
  readonly isMasked?: boolean;
  readonly key?: Bytes | null;
  readonly value?: Bytes | null;
  readonly decoded?: readonly string[] | null;
  readonly headers?: readonly { readonly key: string; readonly value: Bytes | null }[];
}

export interface GroupRow {
  readonly group: string;
  readonly state: string | null;
  readonly members: number | null;
  readonly topics: readonly string[];
  readonly lag: number | null;
}

export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly end: number | null;
  readonly lag: number | null;
  readonly member: string | null;
  readonly stillMs: number | null;
}

export interface Group {
  readonly group: string;
  readonly state: string;
  readonly members: readonly {
    readonly id: string;
    readonly clientId: string;
    readonly partitions: readonly { topic: string; partition: number }[];
  }[];
  readonly positions: readonly Position[];
  readonly isComplete: boolean;
}
