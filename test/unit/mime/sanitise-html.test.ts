import { describe, expect, test } from 'vitest';
import { sanitiseHtml } from '../../../src/mime/sanitise-html.ts';

const ownImage = (address: string) =>
  ['cid:logo@x', 'CID:logo%40x'].includes(address) ? 'data:image/png;base64,AAAA' : null;
const clean = (html: string, remoteImages = false) => sanitiseHtml(html, { remoteImages, ownImage });

describe('active content is removed', () => {
  test.each([
    ['scripts', '<script>alert(1)</script><p onclick="a()" onload=b()>x</p>', '<p>x</p>'],
    ['frames and objects', '<iframe src=https://e.example></iframe><object data=x></object><embed src=x>x', 'x'],
    ['forms', '<form action=https://e.example><input name=a><button>go</button></form>', 'go'],
    ['what steers the page', '<meta http-equiv=refresh content="0;url=//e.example"><base href=//e.example>x', 'x'],
    ['preloads', '<link rel=preload href=//e.example><link rel=stylesheet href=//e.example>x', 'x'],
    ['svg and math', '<svg onload=a()><style>x</style><a href=x>y</a></svg><math><mi>z</mi></math>x', 'x'],
    ['comments', '<!--[if mso]><p>a</p><![endif]-->x', 'x'],
    ['names', '<img name=cookie alt=a><a name=b>x</a>', '<img alt="a" /><a>x</a>'],
    ['media', '<video src=//e.example poster=//e.example></video><audio src=//e.example></audio>x', 'x'],
  ])('%s', (_what, html, expected) => expect(clean(html)).toBe(expected));

  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://e.example/x',
    '/graphql?query={viewer{tenant{name}}}',
    '//e.example/x',
    '#x',
  ])('the target of a link to %j is removed', (href) => expect(clean(`<a href="${href}">x</a>`)).toBe('<a>x</a>'));

  test.each([
    // A sanitiser and a browser that read the same text differently.
    '<svg><style>&lt;/style&gt;&lt;img src=x onerror=alert(1)&gt;</style></svg>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    '<style><!--</style><img src=x onerror=alert(1)>--></style>',
    '<textarea></textarea/><img src=x onerror=alert(1)></textarea>',
    '<p title="`<img src=x onerror=alert(1)>`">',
  ])('%j is made safe', (html) => {
    const handlers = clean(html).replaceAll(/"[^"]*"/g, '""');
    expect(handlers).not.toMatch(/onerror|src/);
  });
});

describe('remote content', () => {
  test('is removed until the user asks for it, and then only images load', () => {
    const html = '<img src="http://e.example/a.png" srcset="http://e.example/b 2x" alt="A photo">';
    expect(clean(html)).toBe('<img alt="A photo" />');
    expect(clean(html, true)).toBe('<img alt="A photo" src="http://e.example/a.png" />');
    expect(clean('<img src="//e.example/a.png"><img src="/attachments/x"><img src="ftp://e.example/a">', true)).toBe(
      '<img /><img /><img />',
    );
    expect(clean('<td background="http://e.example/a.png">x</td>', true)).toBe('<td>x</td>');
  });

  test.each([
    ['background: url(http://e.example/a)', 'background: blocked(http://e.example/a)'],
    ['background: u\\72l(http://e.example/a)', 'background: u 72l(http://e.example/a)'],
    ['background: URL( "http://e.example/a")', 'background: blocked( &quot;http://e.example/a&quot;)'],
    ['background: url/**/(http://e.example/a)', 'background: url/**/(http://e.example/a)'],
    ['background: image-set("http://e.example/a" 1x)', 'background: blocked(&quot;http://e.example/a&quot; 1x)'],
    ['background: -webkit-image-set("a" 1x)', 'background: -webkit-blocked(&quot;a&quot; 1x)'],
  ])('%s', (css, expected) => expect(clean(`<p style='${css}'>x</p>`)).toBe(`<p style="${expected}">x</p>`));

  test('of style sheets, imports and fonts never loads', () => {
    const css = '@import "http://e.example/a"; @font-face { src: url(http://e.example/b) } p { color: red }';
    const blocked = '@blocked "http://e.example/a"; @blocked { src: blocked(http://e.example/b) } p { color: red }';
    expect(clean(`<style>${css}</style>`)).toBe(`<style>${blocked}</style>`);
    expect(clean(`<style>${css}</style>`, true)).not.toMatch(/@import|@font-face/);
  });

  test('tracking pixels are removed', () => {
    const counter = 'a<img src="http://e.example/t.gif" width="1" height="1">b';
    expect([clean(counter), clean(counter, true)]).toEqual(['ab', 'ab']);
    expect(clean('<img src="cid:logo@x" width="1" height="1">')).toContain('data:image/png');
  });
});

describe('harmless content is kept', () => {
  test('images of the message itself', () => {
    expect(clean('<img src="cid:logo@x"><img src="CID:logo%40x"><img src="cid:other" alt="o">')).toBe(
      '<img src="data:image/png;base64,AAAA" /><img src="data:image/png;base64,AAAA" /><img alt="o" />',
    );
    expect(clean('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">')).toContain('R0lGODlhAQABAAAAACw=');
    expect(clean('<img src="data:image/svg+xml;base64,PHN2Zz4=">')).toBe('<img />');
  });

  test('the colours of a body, also from its attributes', () => {
    expect(clean('<body bgcolor="#000000" text="white"><p>x</p></body>')).toBe(
      '<div style="background-color: #000000; color: white; "><p>x</p></div>',
    );
    expect(clean('<body bgcolor="red; background: url(//x)"><p>x</p></body>')).toBe('<div><p>x</p></div>');
  });

  test('the first rule of a style sheet that is hidden in a comment', () => {
    expect(clean('<style><!--\n.a { color: red }\n--></style>x')).toBe('<style> \n.a { color: red }\n </style>x');
  });

  test('links, which open in a new tab without a referrer', () => {
    expect(clean('<a href="https://e.example/?a=1&amp;b=2" ping="//e.example">x</a>')).toBe(
      '<a href="https://e.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">x</a>',
    );
    expect(clean('<a href="mailto:ann@example.com" target=_top>x</a>')).toContain('target="_blank"');
  });

  test('layout, colours and style sheets', () => {
    const html =
      '<style>p &gt; b { color: red }</style><table width="100%" cellpadding="0"><tr><td colspan="2" bgcolor="#fff">x</td></tr></table>';
    expect(clean(html)).toBe(html);
    expect(clean('<html><body style="background:#eee" onload=a()><p>x</p></body></html>')).toBe(
      '<div style="background:#eee"><p>x</p></div>',
    );
  });
});
