// Where the fields of brokers' answers lie, in the versions that librdkafka asks Kafka 4 for: so that a test can alter each of them.

/**
 * One letter a field: b int8, h int16, e error code, i int32, l int64, s string, y bytes, r records, u uuid; `<x>` an array of a
 * primitive, `[...]` an array of structures, `{...}` a structure, `?{...}` one that may be null.
 */
export interface Schema {
  readonly name: string;
  readonly version: number;
  /** Compact lengths, and tagged fields behind each structure. */
  readonly flexible: boolean;
  readonly fields: string;
}

const schema = (name: string, version: number, flexible: boolean, fields: string): Schema => ({
  name,
  version,
  flexible,
  fields: fields.replaceAll(' ', ''),
});

/** By api key. */
export const schemas: ReadonlyMap<number, Schema> = new Map([
  [0, schema('Produce', 10, true, '[s [i e l l l [i s] s]] i')],
  [1, schema('Fetch', 16, true, 'i e i [u [i e l l l [l l] i r]]')],
  [2, schema('ListOffsets', 7, true, 'i [s [i e l l i]]')],
  [3, schema('Metadata', 13, true, 'i [i s i s] s i [e s u b [e i i i <i> <i> <i>] i] e')],
  [8, schema('OffsetCommit', 9, true, 'i [s [i e]]')],
  [9, schema('OffsetFetch', 9, true, 'i [s [s [i l i s e]] e]')],
  [10, schema('FindCoordinator', 2, false, 'i e s i s i')],
  [11, schema('JoinGroup', 5, false, 'i e i s s s [s s y]')],
  [12, schema('Heartbeat', 3, false, 'i e')],
  [13, schema('LeaveGroup', 1, false, 'i e')],
  [14, schema('SyncGroup', 3, false, 'i e y')],
  [15, schema('DescribeGroups', 5, true, 'i [e s s s s [s s s s y y] i]')],
  [16, schema('ListGroups', 5, true, 'i e [s s s s]')],
  [18, schema('ApiVersions', 3, true, 'e [h h h] i')],
  [19, schema('CreateTopics', 4, false, 'i [s e s]')],
  [20, schema('DeleteTopics', 4, true, 'i [s e]')],
  [21, schema('DeleteRecords', 2, true, 'i [s [i l e]]')],
  [22, schema('InitProducerId', 4, true, 'i e l h')],
  [23, schema('OffsetForLeaderEpoch', 2, false, 'i [s [e i i l]]')],
  [24, schema('AddPartitionsToTxn', 0, false, 'i [s [i e]]')],
  [25, schema('AddOffsetsToTxn', 0, false, 'i e')],
  [26, schema('EndTxn', 1, false, 'i e')],
  [28, schema('TxnOffsetCommit', 3, true, 'i [s [i e]]')],
  [32, schema('DescribeConfigs', 1, false, 'i [e s b s [s s b b b [s s b]]]')],
  [37, schema('CreatePartitions', 2, true, 'i [s e s]')],
  [42, schema('DeleteGroups', 2, true, 'i [s e]')],
  [47, schema('OffsetDelete', 0, false, 'e i [s [i e]]')],
  [68, schema('ConsumerGroupHeartbeat', 1, true, 'i e s s i i ?{[u <i>]}')],
  [69, schema('ConsumerGroupDescribe', 0, true, 'i [e s s s i i s [s s s i s s <s> s {[u s <i>]} {[u s <i>]}] i]')],
  [71, schema('GetTelemetrySubscriptions', 0, true, 'i e u i <b> i i b <s>')],
]);
