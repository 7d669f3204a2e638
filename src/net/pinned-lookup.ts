import { isIP, type LookupFunction } from 'node:net';

/** Returns a `lookup` for Node's sockets that answers with these addresses only, whatever the name. */
export function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, { all }, callback) => {
    const [first] = found;
    if (all || !first) callback(null, found);
    else callback(null, first.address, first.family);
  };
}
