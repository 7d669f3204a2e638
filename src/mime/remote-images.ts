/**
 * An image of another server, in an element or in CSS. This only estimates whether to offer images at all. The
 * sanitiser decides what is loaded (src/mime/sanitise-html.ts). Linear: no two runs of white space are adjacent.
 */
const REMOTE_IMAGE =
  /<img\b[^<>]*[\s"'/]src\s*=\s*(?:["']\s*)?(?:https?:)?\/\/|\burl\s*\(\s*(?:["']\s*)?(?:https?:)?\/\//i;

/** Returns whether HTML seems to load images from other servers. */
export const hasRemoteImages = (html: string): boolean => REMOTE_IMAGE.test(html);
