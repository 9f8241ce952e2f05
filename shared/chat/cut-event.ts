/** What can be done for a client that was sent the beginning of an event, and then lost its engine. */
export type Repair = {
  /** Text of the answer that is in what the client has of the event, and in no event before it. */
  readonly text: string;
  /** Completes the event. Where a character was cut in two, `next` is the text that the answer goes on with. */
  readonly finish: (next: string) => Completed | undefined;
  /** Whether `finish` wants the text that follows, for the cut went through a character. */
  readonly wantsNext: boolean;
};

/** What to write, and how many UTF-16 units of the next text are in it. */
export type Completed = { readonly bytes: Uint8Array; readonly used: number };

const utf8 = new TextEncoder();
const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** The text of a chunk begins behind this. Within JSON strings quotes are escaped, so it is in no answer's text. */
const TEXT_BEGINS = /"(?:content|text)":\s*"/;

/** A chunk of the stream as a pattern: what stands before and behind its text. */
type Pattern = { readonly before: string; readonly behind: string };

/** The patterns that the next event of a stream may follow, judged by an earlier one (`raw`). */
function patternOf(raw: string): Pattern | undefined {
  // The chunk that opens a choice has a role, and often no text or null: the next one has the text alone.
  const plain = raw
    .replace(/"role":\s*"assistant",\s*/, "")
    .replace(/,\s*"role":\s*"assistant"/, "")
    .replace(/("content":\s*)null/, '$1""');
  const begins = TEXT_BEGINS.exec(plain);
  if (!begins) return undefined;
  const from = begins.index + begins[0].length;
  const end = endOfString(plain, from);
  return end === undefined ? undefined : { before: plain.slice(0, from), behind: plain.slice(end) };
}

/** Where the string that `from` is in ends: the place of its closing quote. */
function endOfString(json: string, from: number): number | undefined {
  for (let at = from; at < json.length; at++) {
    if (json[at] === "\\") at += 1;
    else if (json[at] === '"') return at;
  }
  return undefined;
}

/** The part of an unfinished JSON string's source that ends between two characters. */
function wholeCharacters(source: string): string {
  let end = 0;
  for (let at = 0; at < source.length; end = at) {
    if (source[at] !== "\\") at += 1;
    else {
      const length = source[at + 1] === "u" ? 6 : 2;
      if (at + length > source.length) return source.slice(0, end);
      at += length;
      // The first half of a surrogate pair is half a character.
      if (length === 6 && /^d[89ab]/i.test(source.slice(at - 4, at)) && !lowHalf(source.slice(at, at + 6)))
        return source.slice(0, end);
      if (length === 6 && /^d[89ab]/i.test(source.slice(at - 4, at))) at += 6;
    }
  }
  return source;
}

const lowHalf = (escape: string): boolean => /^\\ud[c-f][0-9a-f]{2}$/i.test(escape);

/** A character as a JSON string spells it: each way that engines have. */
function spellings(character: string): string[] {
  const plain = JSON.stringify(character).slice(1, -1);
  const units = Array.from({ length: character.length }, (_, at) =>
    character.charCodeAt(at).toString(16).padStart(4, "0"),
  );
  const escaped = units.map((unit) => `\\u${unit}`).join("");
  return [
    plain,
    escaped,
    escaped.toUpperCase().replaceAll("\\U", "\\u"),
    ...(character === "/" ? ["\\/"] : []),
  ];
}

/** The rest of a character of which `part` has been sent, where it is the first one of `next`. */
function restOfCharacter(part: Uint8Array, next: string): Completed | undefined {
  const character = [...next][0];
  if (character === undefined) return undefined;
  for (const spelling of spellings(character)) {
    const bytes = utf8.encode(spelling);
    if (part.length <= bytes.length && part.every((byte, at) => byte === bytes[at]))
      return { bytes: bytes.subarray(part.length), used: character.length };
  }
  return undefined;
}

/**
 * Finds out how an event of which a client has been sent `cut` (text) and `pending` (the bytes of half a character) can
 * be completed, so that an answer can go on behind it as if nothing had happened. Engines write a stream's chunks all
 * alike: `earlier` are some of them, the likeliest pattern first. Undefined where the event follows none.
 */
export function repairCut(cut: string, pending: Uint8Array, earlier: readonly string[]): Repair | undefined {
  for (const raw of earlier) {
    const pattern = patternOf(raw);
    const repair = pattern && repairBy(pattern, cut, pending);
    if (repair) return repair;
  }
  return undefined;
}

function repairBy({ before, behind }: Pattern, cut: string, pending: Uint8Array): Repair | undefined {
  const finishWith = (rest: string, text: string): Repair => ({
    text,
    wantsNext: false,
    finish: () => ({ bytes: utf8.encode(`${rest}\n\n`), used: 0 }),
  });
  if (cut.length < before.length)
    return before.startsWith(cut) && pending.length === 0
      ? finishWith(before.slice(cut.length) + behind, "")
      : undefined;
  if (!cut.startsWith(before)) return undefined;
  const end = endOfString(cut, before.length);
  const source = cut.slice(before.length, end);
  if (end !== undefined) {
    const text = parsed(source);
    const rest = behind.slice(cut.length - end);
    return text !== undefined && behind.startsWith(cut.slice(end)) && pending.length === 0
      ? finishWith(rest, text)
      : undefined;
  }
  const whole = wholeCharacters(source);
  const text = parsed(whole);
  if (text === undefined) return undefined;
  const part = joined(utf8.encode(source.slice(whole.length)), pending);
  if (part.length === 0) return finishWith(behind, text);
  return {
    text,
    wantsNext: true,
    finish(next) {
      const rest = restOfCharacter(part, next);
      return rest && { bytes: joined(rest.bytes, utf8.encode(`${behind}\n\n`)), used: rest.used };
    },
  };
}

/** The text that a JSON string's source stands for. */
function parsed(source: string): string | undefined {
  try {
    return JSON.parse(`"${source}"`) as string;
  } catch {
    return undefined;
  }
}

/** The bytes at the end of `bytes` that begin a character of UTF-8 and do not end it. */
export function pendingBytes(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.slice(bytes.length - back) : new Uint8Array();
  }
  return new Uint8Array();
}
