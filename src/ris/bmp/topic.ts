// The topic of a BMP message.

/** Where RIS consumers look for a peer's messages and for the collector's own. */
export const defaultTopicTemplate = '<collector>.<peer_asn>.bmp_raw';

/** Replaces the peer's AS number in the topic of the collector's own messages. */
const meta = 'meta';

/**
 * Fills `<collector>` and `<peer_asn>` of a template; the result is lower case.
 * @throws Error if the template has another `<name>` or a character that Kafka allows in no topic name: a configuration error.
 */
export function topicNamer(template: string): (collector: string, peerAsn: number | 'meta') => string {
  const rest = template.replaceAll('<collector>', '').replaceAll('<peer_asn>', '');
  if (!/^[A-Za-z0-9._-]*$/.test(rest) || template === '') {
    throw new Error(`topic template '${template}': use <collector>, <peer_asn> and A-Z a-z 0-9 . _ -`);
  }
  const lower = template.toLowerCase();
  return (collector, peerAsn) =>
    lower.replaceAll('<collector>', collector).replaceAll('<peer_asn>', peerAsn === meta ? meta : String(peerAsn));
}
