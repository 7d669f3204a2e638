import sanitize, { type Attributes, type IOptions } from 'sanitize-html';
import { RASTER_TYPES } from './own-images.ts';

/**
 * A stranger's HTML made harmless: a list of what is allowed, and nothing else stays. On the server, because the result
 * is a document with a policy of its own (src/server/message-page.ts), and in a thread, because a hostile message may
 * take its time. DOMPurify would need a whole DOM here, and in the page its result could only become a `srcdoc`, which
 * lives under the page's policy: no remote image could be shown without the page itself being allowed to load some.
 *
 * This is one of three walls. The document's policy allows no request, no script and no form; the frame that it is shown
 * in allows no script, no form and no navigation away. Each would do alone.
 */
export interface SanitiseOptions {
  /** Images may be loaded from where the message says. */
  readonly remoteImages: boolean;
  /** The data URL of the message's own image that this address names, such as `cid:logo@example.com`, or null. */
  readonly ownImage: (address: string) => string | null;
}

export function sanitiseHtml(html: string, options: SanitiseOptions): string {
  const remote = options.remoteImages ? ['http', 'https'] : [];
  const sanitised = sanitize(html, {
    ...FIXED,
    allowedSchemesByTag: { img: ['data', ...remote], '*': remote },
    transformTags: {
      // What it paints and how it is written belongs to the message; the document around it is ours.
      body: (_tag, attributes) => ({ tagName: 'div', attribs: bodyColours(attributes, options) }),
      a: (tagName, { href, ...attributes }) => ({ tagName, attribs: { ...attributes, ...linkTo(href) } }),
      img: (tagName, { src, ...attributes }) => ({ tagName, attribs: { ...attributes, ...imageOf(src, options) } }),
      '*': (tagName, attributes) => ({ tagName, attribs: styled(attributes, options) }),
    },
    exclusiveFilter: ({ tag, attribs }) => tag === 'img' && isCounter(attribs),
  });
  return withSafeStyles(sanitised, options);
}

/**
 * The CSS within style elements made safe. Text and attributes are escaped in what was sanitised, so each `<style` is an
 * element, and within one nothing else begins. One without an end extends to the end of the document. A pattern for
 * all of an element would look for the end of each from each beginning.
 */
function withSafeStyles(html: string, options: SanitiseOptions): string {
  let safe = '';
  let at = 0;
  for (let start = html.indexOf('<style'); start >= 0; start = html.indexOf('<style', at)) {
    const css = html.indexOf('>', start) + 1 || html.length;
    const end = html.indexOf('</style', css);
    const next = end < 0 ? html.length : end;
    safe += html.slice(at, css) + safeCss(html.slice(css, next), options);
    at = next;
  }
  return safe + html.slice(at);
}

const words = (list: string): string[] => list.trim().split(/\s+/);

const FIXED: IOptions = {
  // Neither svg nor math: they change how a browser reads what is in them, which is how sanitisers are fooled.
  allowedTags: words(`
    a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del
    details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main
    mark nav ol p pre q s samp section small span strike strong style sub summary sup table tbody td tfoot th
    thead time tr tt u ul var wbr
  `),
  // What is in these is not for reading.
  nonTextTags: words(`
    script noscript template title svg math iframe frameset object embed applet audio video canvas textarea
    select option xmp noembed noframes plaintext
  `),
  // Neither name nor srcset, ping, background or any on…: what is not here is gone.
  allowedAttributes: {
    '*': words('align bgcolor border class color dir height id lang style title valign width'),
    a: ['href', 'rel', 'target'],
    col: ['span'],
    colgroup: ['span'],
    details: ['open'],
    font: ['face', 'size'],
    img: ['alt', 'src'],
    li: ['value'],
    ol: ['start', 'type'],
    table: ['cellpadding', 'cellspacing', 'rules'],
    td: ['colspan', 'nowrap', 'rowspan'],
    th: ['colspan', 'nowrap', 'rowspan', 'scope'],
    style: ['media'],
    ul: ['type'],
  },
  // Links and images are judged by linkTo and imageOf.
  allowedSchemesAppliedToAttributes: [],
  allowProtocolRelative: false,
  // Style elements are: see safeCss.
  allowVulnerableTags: true,
  parseStyleAttributes: false,
  // Browsers stop at 512.
  nestingLimit: 400,
};

const LINK_PROTOCOLS = new Set(['http:', 'https:', 'mailto:', 'tel:']);

/** Absolute addresses only: a relative one would lead into our own pages. */
function linkTo(href: string | undefined): Attributes {
  const url = href === undefined ? null : URL.parse(href);
  if (!url || !LINK_PROTOCOLS.has(url.protocol)) return {};
  return { href: url.href, target: '_blank', rel: 'noopener noreferrer nofollow' };
}

/** An image that is not shown keeps its place and its words. */
function imageOf(src: string | undefined, { remoteImages, ownImage }: SanitiseOptions): Attributes {
  const shown = src === undefined ? null : sourceOf(src.trim());
  return shown === null ? {} : { src: shown };

  function sourceOf(address: string): string | null {
    const own = ownImage(address);
    if (own !== null) return own;
    if (RASTER_DATA.test(address)) return address;
    const url = remoteImages ? URL.parse(address) : null;
    return url && /^https?:$/.test(url.protocol) ? url.href : null;
  }
}

const RASTER_DATA = new RegExp(`^data:image/(?:${RASTER_TYPES.join('|')});base64,[\\w+/=\\s]*$`, 'i');

/** A pixel that counts readers, by the size that it gives itself: it shows nothing, so nobody misses it. */
function isCounter({ src = '', width = '', height = '' }: Attributes): boolean {
  const isTiny = (size: string): boolean => /^[0-2](px)?$/.test(size);
  return !src.startsWith('data:') && isTiny(width) && isTiny(height);
}

/** The colours of a body's attributes (HTML, 15.3.1), which mean nothing on what it becomes, before what its style says. */
function bodyColours({ bgcolor, text, ...attributes }: Attributes, options: SanitiseOptions): Attributes {
  const colours = [
    ['background-color', bgcolor],
    ['color', text],
  ].filter(([, colour]) => colour !== undefined && COLOUR.test(colour));
  if (colours.length === 0) return styled(attributes, options);
  const declarations = colours.map(([name, colour]) => `${name}: ${colour}`);
  return styled({ ...attributes, style: [...declarations, attributes['style'] ?? ''].join('; ') }, options);
}

const COLOUR = /^\s*#?\w{3,20}\s*$/;

function styled(attributes: Attributes, options: SanitiseOptions): Attributes {
  const { style } = attributes;
  return style === undefined ? attributes : { ...attributes, style: safeCss(style, options) };
}

/**
 * CSS without what loads something. Not parsed, because its words can be told without: an escape is the only other way
 * to write a name, so escapes go first, and a comment does not join two halves of one. What is renamed has no meaning,
 * and a browser drops the declaration that it is in. Where things are placed is left alone: all is within the frame.
 */
function safeCss(css: string, { remoteImages }: SanitiseOptions): string {
  return (
    css
      // Old mail hides its style from readers that know no style element. A browser skips these marks (CSS Syntax, 4.3.1).
      .replace(/<!--|-->/g, ' ')
      .replace(/[\\<]/g, ' ')
      .replace(/@(import|font-face|namespace|charset)/gi, '@blocked')
      .replace(/\b(src|image|image-set|cross-fade|element|paint)\s*\(/gi, 'blocked(')
      .replace(/\burl\s*\((?!\s*(?:["']\s*)?data:image\/)/gi, remoteImages ? 'url(' : 'blocked(')
  );
}
