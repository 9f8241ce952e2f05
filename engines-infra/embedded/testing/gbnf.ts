/** A small reader of GBNF for tests: it says whether a text follows a grammar, and makes up texts that do. */

type Node =
  | { kind: "text"; text: string }
  | { kind: "class"; negated: boolean; ranges: ReadonlyArray<readonly [from: number, to: number]> }
  | { kind: "rule"; name: string }
  | { kind: "all"; parts: Node[] }
  | { kind: "any"; alternatives: Node[] }
  | { kind: "repeat"; part: Node; least: number; most: number };

export type Grammar = ReadonlyMap<string, Node>;

/** Throws where the text is not GBNF, or names a rule that is not there. */
export function parseGbnf(source: string): Grammar {
  const rules = new Map<string, Node>();
  const named = new Set<string>();
  for (const line of source.split("\n").filter((each) => each.trim() !== "")) {
    const [, name, body] = /^([a-z][a-z0-9-]*) ::=(.*)$/.exec(line) ?? fail(`not a rule: ${line}`);
    const reader = new Reader(body ?? "", named);
    rules.set(name ?? "", reader.alternatives());
    reader.end();
  }
  for (const name of [...named, "root"]) if (!rules.has(name)) fail(`there is no rule ${name}`);
  return rules;
}

export const follows = (grammar: Grammar, text: string): boolean =>
  ends(grammar, { kind: "rule", name: "root" }, [...text], 0).has([...text].length);

/** A text that follows the grammar; `random` gives numbers in [0, 1). */
export function madeUp(grammar: Grammar, random: () => number): string {
  let budget = 400;
  const make = (node: Node): string => {
    budget -= 1;
    switch (node.kind) {
      case "text":
        return node.text;
      case "class":
        return characterOf(node, random);
      case "rule":
        return make(grammar.get(node.name) ?? fail(node.name));
      case "all":
        return node.parts.map(make).join("");
      case "any": {
        // When the text grows too long, take the alternative that looks simplest.
        const { alternatives } = node;
        const simplest = alternatives.toSorted((a, b) => weightOf(a) - weightOf(b))[0];
        const chosen = budget < 0 ? simplest : alternatives[Math.floor(random() * alternatives.length)];
        return make(chosen ?? fail("no alternative"));
      }
      case "repeat": {
        const most = Math.min(node.most, node.least + 3);
        const count = budget < 0 ? node.least : node.least + Math.floor(random() * (most - node.least + 1));
        return Array.from({ length: count }, () => make(node.part)).join("");
      }
    }
  };
  return make({ kind: "rule", name: "root" });
}

const weightOf = (node: Node): number => {
  if (node.kind === "text") return 0;
  if (node.kind === "class") return 1;
  if (node.kind === "rule")
    return ["null", "boolean", "natural", "number", "integer"].includes(node.name) ? 2 : 50;
  if (node.kind === "repeat") return node.least * weightOf(node.part);
  const parts = node.kind === "all" ? node.parts : node.alternatives;
  return parts.reduce((sum, part) => sum + weightOf(part), 0);
};

function characterOf(node: Node & { kind: "class" }, random: () => number): string {
  if (!node.negated) {
    const [from, to] = node.ranges[Math.floor(random() * node.ranges.length)] ?? [97, 97];
    return String.fromCodePoint(from + Math.floor(random() * (to - from + 1)));
  }
  const candidates = [..."abz 09é日😀/'<{"];
  return candidates[Math.floor(random() * candidates.length)] ?? "a";
}

/** Where a match of `node` that begins at `from` can end. */
function ends(grammar: Grammar, node: Node, text: readonly string[], from: number): Set<number> {
  switch (node.kind) {
    case "text": {
      const wanted = [...node.text];
      return wanted.every((character, index) => text[from + index] === character)
        ? new Set([from + wanted.length])
        : new Set();
    }
    case "class": {
      const code = text[from]?.codePointAt(0);
      if (code === undefined) return new Set();
      return node.ranges.some(([low, high]) => code >= low && code <= high) !== node.negated
        ? new Set([from + 1])
        : new Set();
    }
    case "rule":
      return ends(grammar, grammar.get(node.name) ?? fail(node.name), text, from);
    case "all":
      return node.parts.reduce(
        (starts, part) => union([...starts].map((start) => ends(grammar, part, text, start))),
        new Set([from]),
      );
    case "any":
      return union(node.alternatives.map((each) => ends(grammar, each, text, from)));
    case "repeat": {
      let reached = new Set([from]);
      const all = new Set(node.least === 0 ? [from] : []);
      for (let count = 1; count <= node.most && reached.size > 0; count += 1) {
        reached = union([...reached].map((start) => ends(grammar, node.part, text, start)));
        const fresh = [...reached].filter((end) => !all.has(end));
        if (count >= node.least) for (const end of reached) all.add(end);
        if (count >= node.least && fresh.length === 0) break;
      }
      return all;
    }
  }
}

const union = (sets: ReadonlyArray<Set<number>>): Set<number> => new Set(sets.flatMap((set) => [...set]));

class Reader {
  readonly #text: string;
  readonly #named: Set<string>;
  #at = 0;

  constructor(text: string, named: Set<string>) {
    this.#text = text;
    this.#named = named;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) fail(`unread: ${this.#text.slice(this.#at)}`);
  }

  alternatives(): Node {
    const alternatives = [this.#sequence()];
    while (this.#take("|")) alternatives.push(this.#sequence());
    const [only] = alternatives;
    return alternatives.length === 1 && only ? only : { kind: "any", alternatives };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (
      this.#space();
      this.#at < this.#text.length && !"|)".includes(this.#text[this.#at] ?? "");
      this.#space()
    ) {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: "all", parts };
  }

  #atom(): Node {
    if (this.#take("(")) {
      const inner = this.alternatives();
      if (!this.#take(")")) fail("a parenthesis is not closed");
      return inner;
    }
    const literal = this.#match(/"((?:[^"\\]|\\.)*)"/y);
    if (literal) return { kind: "text", text: [...pieces(literal[1] ?? "")].join("") };
    const set = this.#match(/\[(\^?)((?:[^\]\\]|\\.)*)\]/y);
    if (set) return { kind: "class", negated: set[1] === "^", ranges: rangesOf(pieces(set[2] ?? "")) };
    const name = this.#match(/[a-z][a-z0-9-]*/y)?.[0] ?? fail(`not GBNF: ${this.#text.slice(this.#at)}`);
    this.#named.add(name);
    return { kind: "rule", name };
  }

  #repeated(part: Node): Node {
    const [mark, least, comma, most] = this.#match(/[?*+]|\{(\d+)(,?)(\d*)\}/y) ?? [];
    if (mark === undefined) return part;
    if (mark === "?") return { kind: "repeat", part, least: 0, most: 1 };
    if (mark === "*") return { kind: "repeat", part, least: 0, most: Infinity };
    if (mark === "+") return { kind: "repeat", part, least: 1, most: Infinity };
    const upper = comma === "" ? Number(least) : most === "" ? Infinity : Number(most);
    return { kind: "repeat", part, least: Number(least), most: upper };
  }

  #take(character: string): boolean {
    this.#space();
    const taken = this.#text[this.#at] === character;
    if (taken) this.#at += 1;
    return taken;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at = pattern.lastIndex;
    return match ?? undefined;
  }

  #space(): void {
    while (this.#text[this.#at] === " ") this.#at += 1;
  }
}

/** The characters of a literal or a class, escapes resolved; a dash between two of a class stays a dash. */
function pieces(text: string): string[] {
  return [...text.matchAll(/\\x([0-9a-fA-F]{2})|\\(.)|([^\\])/gu)].map(([, hex, escaped, plain]) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return escaped === undefined ? (plain ?? "") : ({ n: "\n", r: "\r", t: "\t" }[escaped] ?? escaped);
  });
}

function rangesOf(characters: readonly string[]): Array<readonly [number, number]> {
  const ranges: Array<readonly [number, number]> = [];
  for (let index = 0; index < characters.length; index += 1) {
    const from = characters[index]?.codePointAt(0) ?? 0;
    const isRange = characters[index + 1] === "-" && index + 2 < characters.length;
    ranges.push([from, isRange ? (characters[index + 2]?.codePointAt(0) ?? from) : from]);
    if (isRange) index += 2;
  }
  return ranges;
}

function fail(message: string): never {
  throw new Error(message);
}
