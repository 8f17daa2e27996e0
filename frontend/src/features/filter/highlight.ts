/** Splits filter text for colouring. It understands words, not meaning: the server's grammar alone decides what is valid. */

export type TokenKind = "field" | "operator" | "keyword" | "string" | "value" | "paren" | "space" | "other";

export interface Token {
  kind: TokenKind;
  text: string;
  at: number;
}

const PATTERNS: readonly [TokenKind, RegExp][] = [
  ["space", /\s+/y],
  ["string", /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?/y],
  ["operator", /!<<|<<|>>|!=|<=|>=|=|<|>|!~|~/y],
  ["paren", /[(),]/y],
  ["value", /[^\s"'(),=<>!~]+/y],
  ["other", /./ys],
];
const KEYWORDS = new Set(["and", "or", "not", "in", "like", "ilike", "has", "is", "null"]);
const OPERATOR_WORDS = new Set(["in", "like", "ilike", "has"]);

function next(text: string, at: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return { kind, text: match[0], at };
  }
  return { kind: "other", text: text.slice(at), at };
}

/** A word is a field where a comparison may begin, a value after an operator. Joined, the texts give the input back. */
export function tokenize(text: string): Token[] {
  const out: Token[] = [];
  let expectValue = false;
  let inList = false;
  for (let at = 0; at < text.length; ) {
    const token = next(text, at);
    at += token.text.length;
    const word = token.text.toLowerCase();
    if (token.kind === "operator") expectValue = true;
    else if (token.kind === "paren") inList = token.text === "(" ? expectValue : token.text === ")" ? false : inList;
    else if (token.kind === "value" && KEYWORDS.has(word)) {
      token.kind = "keyword";
      expectValue = OPERATOR_WORDS.has(word);
    } else if (token.kind === "value" && !expectValue && !inList) token.kind = "field";
    if (token.kind === "value" || token.kind === "string") expectValue = inList;
    out.push(token);
  }
  return out;
}
