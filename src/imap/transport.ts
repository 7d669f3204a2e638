import net from 'node:net';
import tls from 'node:tls';
import type { ImapFlowOptions } from 'imapflow';
import { pinnedLookup } from '../net/pinned-lookup.ts';

type Transport = NonNullable<ImapFlowOptions['transport']>;

const ASTERISK = 0x2a;

export interface TransportSettings {
  /** The only addresses to connect to, tried in the way Node tries those of a name. The name is not resolved again. */
  readonly addresses?: readonly string[] | undefined;
  readonly onForeignProtocol: () => void;
}

/**
 * Opens Node's sockets as imapflow would, with two additions. They connect to the given addresses only. And the first
 * byte is checked: every IMAP greeting begins with "*" (RFC 9051, 7.1), but imapflow skips what it cannot parse and
 * waits for the greeting until its deadline, even if an SMTP, SSH or HTTP server has already identified itself.
 */
export function socketTransport({ addresses, onForeignProtocol }: TransportSettings): Transport {
  const pinned = addresses ? { lookup: pinnedLookup(addresses) } : {};
  return {
    connect({ host, port, servername, tls: tlsOptions, secure }, onConnect) {
      const connected = () => {
        socket.once('data', (chunk: Buffer) => {
          if (chunk[0] !== ASTERISK) onForeignProtocol();
        });
        onConnect();
      };
      const socket = secure
        ? tls.connect({ host, port, ...pinned, ...(servername ? { servername } : {}), ...tlsOptions }, connected)
        : net.connect({ host, port, ...pinned }, connected);
      return socket;
    },
    upgrade(socket, { host, servername, tls: tlsOptions }, onSecure) {
      return tls.connect({ socket, host, ...(servername ? { servername } : {}), ...tlsOptions }, onSecure);
    },
  };
}
