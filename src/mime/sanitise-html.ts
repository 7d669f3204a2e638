import sanitize, { type Attributes, type IOptions } from 'sanitize-html';
import { RASTER_TYPES } from './own-images.ts';

/**
 * Sanitises the HTML of a message: only what a list allows is kept. It runs on the server, because the result is a
 * document with a policy of its own (src/server/message-page.ts), and in a thread, because a hostile message may take
 * long.
 *
 * DOMPurify, on the server or in the page, was refused: docs/decisions/0023-html-behind-three-walls.md.
 *
 * This is one of three barriers. The document's policy allows no request, no script and no form. The frame in which it
 * is shown allows no script, no form and no navigation away. Any two of the three are enough.
 */
export interface SanitiseOptions {
  /** Images may be loaded from other servers. */
  readonly remoteImages: boolean;
  /** Returns the data URL of the message's own image with this address, such as `cid:logo@example.com`, or null. */
  readonly ownImage: (address: string) => string | null;
}

export function sanitiseHtml(html: string, options: SanitiseOptions): string {
  const remote = options.remoteImages ? ['http', 'https'] : [];
  const sanitised = sanitize(html, {
    ...FIXED,
    allowedSchemesByTag: { img: ['data', ...remote], '*': remote },
    transformTags: {
      // The colours and style of the body belong to the message; the document around it is Mailtide's.
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
 * Makes the CSS within style elements safe. Text and attributes are escaped in sanitised HTML, so each `<style` is an
 * element, and no other element begins within it. One without an end extends to the end of the document. A pattern for
 * the whole element would take quadratic time, because it searches for the end from each beginning.
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
  // Neither svg nor math: they change how a browser parses their content, which is how sanitisers are bypassed.
  allowedTags: words(`
    a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del
    details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main
    mark nav ol p pre q s samp section small span strike strong style sub summary sup table tbody td tfoot th
    thead time tr tt u ul var wbr
  `),
  // The content of these is not meant to be read.
  nonTextTags: words(`
    script noscript template title svg math iframe frameset object embed applet audio video canvas textarea
    select option xmp noembed noframes plaintext
  `),
  // Neither name nor srcset, ping, background or any on…: all others are removed.
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
  // linkTo and imageOf check links and images.
  allowedSchemesAppliedToAttributes: [],
  allowProtocolRelative: false,
  // Style elements are vulnerable tags: see safeCss.
  allowVulnerableTags: true,
  parseStyleAttributes: false,
  // Browsers stop at 512.
  nestingLimit: 400,
};

const LINK_PROTOCOLS = new Set(['http:', 'https:', 'mailto:', 'tel:']);

/** Returns the attributes of a link. Only absolute addresses: a relative one would lead to Mailtide's own pages. */
function linkTo(href: string | undefined): Attributes {
  const url = href === undefined ? null : URL.parse(href);
  if (!url || !LINK_PROTOCOLS.has(url.protocol)) return {};
  return { href: url.href, target: '_blank', rel: 'noopener noreferrer nofollow' };
}

/** Returns the source of an image. One that is not shown keeps its size and alternative text. */
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

/**
 * Returns whether an image is a tracking pixel, by its declared size. It shows nothing, so removing it does no harm.
 */
function isCounter({ src = '', width = '', height = '' }: Attributes): boolean {
  const isTiny = (size: string): boolean => /^[0-2](px)?$/.test(size);
  return !src.startsWith('data:') && isTiny(width) && isTiny(height);
}

/**
 * Moves the colour attributes of a body (HTML, 15.3.1), which a div does not support, to the beginning of its style.
 */
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
 * Removes from CSS what loads something. It does not parse the CSS, because names can be recognised without: only an
 * escape spells a name differently, so escapes are removed first, and a comment does not join two halves of a name. A
 * browser drops the declaration with a renamed function. Positioning stays, because the frame contains everything.
 */
function safeCss(css: string, { remoteImages }: SanitiseOptions): string {
  return (
    css
      // Old mail hides its style from programs without style elements. Browsers skip these marks (CSS Syntax, 4.3.1).
      .replace(/<!--|-->/g, ' ')
      .replace(/[\\<]/g, ' ')
      .replace(/@(import|font-face|namespace|charset)/gi, '@blocked')
      .replace(/\b(src|image|image-set|cross-fade|element|paint)\s*\(/gi, 'blocked(')
      .replace(/\burl\s*\((?!\s*(?:["']\s*)?data:image\/)/gi, remoteImages ? 'url(' : 'blocked(')
  );
}
