import { Parser } from 'htmlparser2';

/** An autoconfig file (draft-ietf-mailmaint-autoconfig) as far as it is about IMAP. The texts are those of its author. */
export interface AutoconfigFile {
  /** In its order of preference. */
  readonly servers: readonly AutoconfigServer[];
  readonly oauth: { readonly issuer: string; readonly scope: string };
}

/** The texts of the elements of an `incomingServer`. An element that is missing has none. */
export interface AutoconfigServer {
  readonly hostname: readonly string[];
  readonly port: readonly string[];
  readonly socketType: readonly string[];
  readonly username: readonly string[];
  readonly authentication: readonly string[];
}

/** Real files nest five levels. */
const MAX_DEPTH = 16;
const MAX_SERVERS = 20;
/** Elements of one name in a server, which may list several ways to connect or to log in. */
const MAX_VALUES = 20;
const MAX_TEXT = 2000;

const SERVER = 'clientConfig/emailProvider/incomingServer';
const FIELDS = ['hostname', 'port', 'socketType', 'username', 'authentication'] as const;
type Field = (typeof FIELDS)[number];
const isField = (name: string): name is Field => (FIELDS as readonly string[]).includes(name);

/** Ends the parser, which only an exception of a handler can do. */
class Refused extends Error {}

/**
 * Parses an autoconfig file. Its author is untrusted: there are no entities but those of XML, a document type is
 * refused, and depth, elements and texts are limited. Like browsers, it accepts some markup that is not well-formed,
 * because real files contain it.
 * @returns null if it is no autoconfig file, or exceeds a limit
 */
export function parseAutoconfig(xml: string): AutoconfigFile | null {
  const path: string[] = [];
  const servers: Record<Field, string[]>[] = [];
  const oauth = { issuer: '', scope: '' };
  let isImap = false;
  let text = '';

  const parser = new Parser(
    {
      onprocessinginstruction(name) {
        if (name.startsWith('!')) throw new Refused('document type');
      },
      onopentag(name, { type }) {
        path.push(name);
        text = '';
        if (path[0] !== 'clientConfig' || path.length > MAX_DEPTH) throw new Refused('another format');
        if (path.join('/') !== SERVER) return;
        isImap = type === 'imap';
        if (!isImap) return;
        if (servers.length === MAX_SERVERS) throw new Refused('too many servers');
        servers.push({ hostname: [], port: [], socketType: [], username: [], authentication: [] });
      },
      ontext(chunk) {
        text += chunk;
        if (text.length > MAX_TEXT) text = text.slice(0, MAX_TEXT);
      },
      onclosetag(name) {
        const parent = path.slice(0, -1).join('/');
        path.pop();
        const value = text.trim();
        text = '';
        if (value === '') return;
        const values = parent === SERVER && isImap && isField(name) ? servers.at(-1)?.[name] : undefined;
        if (values && values.length < MAX_VALUES) values.push(value);
        if (parent === 'clientConfig/oAuth2' && (name === 'issuer' || name === 'scope')) oauth[name] ||= value;
      },
    },
    { xmlMode: true },
  );
  try {
    parser.end(xml);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
  return servers.length > 0 ? { servers, oauth } : null;
}
