import { expect, test } from 'vitest';
import { htmlToText } from '../../../src/mime/html-to-text.ts';

test.each([
  ['<p>One</p><p>Two</p>', 'One\n\nTwo'],
  ['One<br>two<br/>three', 'One\ntwo\nthree'],
  ['<div>One</div><div>two</div>', 'One\n\ntwo'],
  ['<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a b\n\nc'],
  ['  many \r\n\t spaces  ', 'many spaces'],
  ['a<b>b</b>c', 'abc'],
  ['&lt;tag&gt; &amp;amp; &eacute; &#8364; &#x1F600; &nbsp;x', '<tag> &amp; é € 😀 x'],
  ['<STYLE>p{}</STYLE>a<script>if (a < b) { "</p>" }</script>b<!-- c > d -->e', 'abe'],
  ['<html><head><title>T</title><meta charset=x></head><body>Body</body>', 'Body'],
  ['<!DOCTYPE html><?xml version="1.0"?>x', 'x'],
  ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
  ['<a href="x">open', 'open'],
  ['<a title="Home > Shoes"><img alt=\'50 > 5\'>in</a>', 'in'],
  ['<center>Order</center><center>Confirmed</center><form>Track</form>', 'Order\n\nConfirmed\n\nTrack'],
  ['<pre>Use%  97%\n/dev/sdb1\n</pre>after', 'Use% 97%\n/dev/sdb1\n\nafter'],
  ['x<iframe src=y><script src=z></script></iframe>y', 'xy'],
  ['before<!-->between<!-- x -->after', 'beforebetweenafter'],
  ['x<script>never closed', 'x'],
  ['x<!-- never closed', 'x'],
  ['', ''],
])('%s', (html, text) => {
  expect(htmlToText(html)).toBe(text);
});

test('htmlToText, text behind a large inline image, finds it', () => {
  const image = `<img src="data:image/png;base64,${'iVBORw0K'.repeat(75_000)}">`;
  expect(htmlToText(`<p>before</p>${image}<p>behind</p>`)).toBe('before\n\nbehind');
});
