/**
 * An image of another server, in an element or in CSS. A guess for whether to offer images at all: what is loaded is
 * decided where the HTML is sanitised (src/mime/sanitise-html.ts). Linear: no two runs of white space meet.
 */
const REMOTE_IMAGE =
  /<img\b[^<>]*[\s"'/]src\s*=\s*(?:["']\s*)?(?:https?:)?\/\/|\burl\s*\(\s*(?:["']\s*)?(?:https?:)?\/\//i;

/** Whether HTML seems to ask for images of other servers. */
export const hasRemoteImages = (html: string): boolean => REMOTE_IMAGE.test(html);
