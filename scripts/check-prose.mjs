// Reports wording that docs/style.md rules out, in documentation, comments, strings and the page's texts.
//
//   node scripts/check-prose.mjs [PATH ...]     prints file:line, the words and a replacement; exits with 1 if any
//
// Code is never reported: identifiers, `inline code`, fenced blocks, paths and link targets are blanked out first.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What to find, and what to write instead. A blank also matches a line break. */
const WORDS = [
  [/anew/, 'again, or a verb with re-'],
  [/(go|goes|going|went) on(?! (the|a|an|its|to) )/, 'continue, resume, run'],
  [/who(so)?ever/, 'the client, the worker, the user; any client'],
  [/(?<=[|.;] )who(?![^.|]*\?)/, 'the client, the worker, the user'],
  [/(as|by|from|of|than|to|with) who/, 'the client, the worker, the user'],
  [/(?<=[a-z]: )who(?! sent)/, 'the client, the worker, the user'],
  [/(is|are|was|were|be|been|being) (not |never |only )?told/, 'is notified, receives'],
  [/tells|told (of|that|whether)/, 'reports, returns, notifies, records'],
  [/(server|worker|node|client|database|row|run|receipt|answer|provider)s? (says?|said)/, 'reports, returns, records'],
  [/(can|could|cannot|may) (not )?be had/, 'can be fetched, is available'],
  [/mend(s|ed|ing)?/, 'fix, repair'],
  [/(has|have|had|having) had (its|their|a|no) turn|whose turn (it is|comes|has come)/, 'has run, is next'],
  [
    /(give|gives|given|gave|giving) way|(give|gives|gave|given|giving) (its|their|the) place( up)?/,
    'is preempted, yields',
  ],
  [/for ever/, 'forever, without limit'],
  [/set(s|ting)? aside/, 'quarantine'],
  [/by (itself|themselves)/, 'automatically, on its own, alone'],
  [/all the same(?=[.,:;)|])/, 'still, anyway'],
  [
    /(what|that|who|which|it|one|some|none|they) (is|are|was|were) (not |still )?there(?=[.,:;)|])/,
    'exists, is present',
  ],
  [/bears?(?! in mind)/, 'carries, allows'],
  [/in vain/, 'without success, failed'],
  [/to and fro/, 'alternates'],
  [/without a word/, 'silently'],
  [/seldom/, 'rarely'],
  [/reckon(s|ed|ing)?/, 'estimate, compute'],
  [/ma(d|k)es? up for/, 'catch up on'],
  [/sees to/, 'handles, installs'],
  [/breaks off|(break|breaks|broke|broken|breaking) down over/, 'fails on, crashes'],
  [/way to (Redis|the database|the (mail )?server|a (mail )?server)/, 'connection to, network path to'],
].map(([pattern, instead]) => [asWords(pattern), instead]);

/** Software has no gender. Strings are exempt: tests contain letters that people wrote. */
const GENDER = [asWords(/he|his|him|himself|she|hers?/), 'it, its, the client, the user (they)'];

const ROOTS = ['README.md', 'docs', 'src', 'test', 'lab', 'prisma/schema.prisma'];
const IS_PROSE = /\.(md|tsx?|mjs|prisma|graphql)$/;
const IS_GENERATED = /^src\/generated\//;

/** The parts of a source file that are not code; what comes first wins. */
const TOKENS = {
  comment: /\/\*[\s\S]*?\*\/|\/\/.*(?:\n[ \t]*\/\/.*)*/,
  string: /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*`/,
  regex: /(?<=(?:[(,=:!&|?;{}[]|return|=>)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/,
  jsx: /(?<=[\w"'}/]>|\})[^<>{}=;()]*[a-z][^<>{}=;()]*(?=<|\{)/,
};
const TOKEN = new RegExp(
  Object.entries(TOKENS)
    .map(([kind, { source }]) => `(?<${kind}>${source})`)
    .join('|'),
  'g',
);

/** Matches `pattern` as whole words, over line breaks too, but not within a path, a file name or an identifier. */
function asWords({ source }) {
  return new RegExp(`(?<![\\w/.$-])(?:${source.replaceAll(' ', '\\s+')})(?![\\w/$-]|\\.\\w)`, 'gi');
}

/** Blanks of the same length, so that positions stay, with `|` at both ends: no phrase reaches across it. */
const blank = (text) => text.replace(/[^\n]/g, ' ').replace(/^.|.$/g, (end) => (end === '\n' ? end : '|'));
/** Code within prose, which stays one gap in its sentence. */
const withoutCode = (text) =>
  text.replace(/`[^`]*`|\{@link [^}]*\}|\$\{[^}]*\}|https?:\S+/g, (code) => code.replace(/[^\n]/g, '_'));

function proseOfMarkdown(text) {
  return withoutCode(text.replace(/^```[\s\S]*?^```$/gm, blank))
    .replace(/\]\([^)\s]*\)/g, (target) => ']'.padEnd(target.length))
    .replace(/^(#+|[-*]|\d+\.) /gm, (marker) => '|'.padEnd(marker.length))
    .replace(/[*]/g, ' ');
}

function proseOfSource(text) {
  const comments = [];
  const strings = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    const gap = blank(text.slice(at, match.index));
    const { comment, string, jsx } = match.groups;
    const prose = comment !== undefined ? ofComment(comment) : jsx !== undefined ? jsx : string && ofString(string);
    comments.push(gap, comment === undefined ? blank(match[0]) : prose);
    strings.push(gap, comment === undefined && prose ? prose : blank(match[0]));
    at = match.index + match[0].length;
  }
  return { comments: comments.join(''), strings: strings.join('') };
}

const ofComment = (text) =>
  withoutCode(text.replace(/^\/\*+|^\/\/+/, (open) => '|'.padEnd(open.length)))
    .replace(/\*\/$/, ' |')
    .replace(/^[ \t]*(\*|\/\/+)/gm, (marker) => ' '.repeat(marker.length));
const ofString = (text) => `|${withoutCode(text.slice(1, -1))}|`;

/** The prose of a file in one or two texts of its length, each with what to look for in it. */
function proseOf(file) {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.md')) return [[proseOfMarkdown(text), [...WORDS, GENDER]]];
  const { comments, strings } = proseOfSource(file.endsWith('.graphql') ? text.replace(/#/g, '//') : text);
  return [
    [comments, [...WORDS, GENDER]],
    [strings, WORDS],
  ];
}

function* findingsIn(file) {
  for (const [prose, words] of proseOf(file)) {
    for (const [pattern, instead] of words) {
      for (const { 0: found, index } of prose.matchAll(pattern)) {
        const line = prose.slice(0, index).split('\n').length;
        yield { line, text: `${file}:${line}: "${found.replace(/\s+/g, ' ')}": ${instead}` };
      }
    }
  }
}

const filesIn = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
    : [path];

process.chdir(join(import.meta.dirname, '..'));
const given = process.argv.slice(2);
const files = (given.length > 0 ? given : ROOTS)
  .flatMap(filesIn)
  .filter((file) => IS_PROSE.test(file) && !IS_GENERATED.test(file))
  .sort();
const findings = files.flatMap((file) => [...findingsIn(file)].sort((a, b) => a.line - b.line));
for (const { text } of findings) console.log(text);
console.log(`${findings.length} findings in ${files.length} files (docs/style.md)`);
process.exit(findings.length > 0 ? 1 : 0);
