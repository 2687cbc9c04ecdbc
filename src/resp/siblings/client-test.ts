// Which connections CLIENT KILL and CLIENT LIST mean, as data that crosses processes.

/** One condition. Of Redis' types of clients only `normal` ones exist here. */
export type ClientTest =
  | { readonly ids: readonly number[] }
  | { readonly isNormal: boolean }
  | { readonly user: string }
  | { readonly address: string }
  | { readonly localAddress: string };

/** All conditions must hold. */
export interface ClientFilter {
  readonly tests: readonly ClientTest[];
  /** The id of one that is never meant. */
  readonly except?: number;
}
