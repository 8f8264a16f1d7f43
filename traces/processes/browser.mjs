// What a browser's page does, without a browser: a tree of the documents with styles and boxes, compiled functions, caches and
// painted tiles. It runs on V8, Chromium's engine, but is no browser.

import { readFileSync } from "node:fs";

class Element {
  constructor(tag, parent, attributes) {
    this.tag = tag;
    this.parent = parent;
    this.attributes = attributes;
    this.children = [];
    this.style = undefined;
    this.box = undefined;
  }
}

function parse(html) {
  const root = new Element("#document", undefined, new Map());
  let open = root;
  for (const [, closing, tag, attributes, text] of html.matchAll(/<(\/?)(\w+)([^>]*)>|([^<]+)/g)) {
    if (text !== undefined) {
      if (text.trim() !== "") open.children.push(text);
    } else if (closing) {
      open = open.parent;
    } else {
      const named = [...attributes.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
      const element = new Element(tag, open, new Map(named));
      open.children.push(element);
      open = element;
    }
  }
  return root;
}

// A rule is compiled for each class, as page scripts and selectors are.
const rules = Array.from(
  { length: 40 },
  (_, i) =>
    new Function(
      "element",
      `const base = element.parent?.style?.size ?? 16;
       return { size: base * ${1 + (i % 5) / 100}, color: ${i * 4099}, margin: ${i % 7}, indent: element.children.length % ${i + 2} };`,
    ),
);
const plain = (element) => ({ size: element.parent?.style?.size ?? 16, color: 0, margin: 0, indent: 0 });
/** Of each text, at size 1. */
const widths = new Map();

function textWidth(text, size) {
  let width = widths.get(text);
  if (width === undefined) {
    width = 0;
    for (let i = 0; i < text.length; i++) width += 0.4 + (text.charCodeAt(i) % 7) / 16;
    widths.set(text, width);
  }
  return width * size;
}

function layout(element, x, y, width) {
  const rule = /^c(\d+)$/.exec(element.attributes.get("class") ?? "")?.[1];
  element.style = (rule === undefined ? plain : rules[rule])(element);
  const { size, margin } = element.style;
  let bottom = y + margin;
  for (const child of element.children) {
    if (typeof child === "string") bottom += size * Math.ceil(textWidth(child, size) / width);
    else bottom = layout(child, x + margin, bottom, width - 2 * margin);
  }
  element.box = { x, y, width, height: bottom - y };
  return bottom;
}

const TILE = 256;

/** A white tile, with a mark for each letter of a text. */
function paint(text) {
  const pixels = new Uint32Array(TILE * TILE).fill(0xffffffff);
  for (let i = 0; i < text.length && i < 2000; i++) {
    const at = Math.floor(i / 50) * 6 * TILE + (i % 50) * 5;
    for (let row = 0; row < 4; row++)
      pixels.fill(0xff000000 | text.charCodeAt(i), at + row * TILE, at + row * TILE + 3);
  }
  return pixels;
}

const source = readFileSync(process.argv[2]);
const page = parse(source.toString("latin1"));
for (let turn = 0; turn < 3; turn++) layout(page, 0, 0, 800 + turn);
const body = page.children[0].children[0];
const articles = body.children.filter((child) => child instanceof Element);
const textOf = (child) => (typeof child === "string" ? child : child.children.map(textOf).join(" "));
const tiles = articles.slice(0, 24).map((article) => paint(textOf(article)));
const targets = new Map(articles.map((article) => [article.attributes.get("id"), article]));

console.log("ready");
// Nothing is let go of as long as this waits.
process.stdin.on("end", () => [source, widths, tiles, targets]).resume();
