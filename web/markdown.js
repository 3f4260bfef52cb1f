// Markdown to DOM nodes. Builds elements only, never parses HTML: what a model writes cannot run.

const inline = /(`+)([\s\S]*?[^`])\1(?!`)|\*\*([\s\S]+?)\*\*|__([\s\S]+?)__|\*([^\s*][\s\S]*?)\*|~~([\s\S]+?)~~|\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)|(https?:\/\/[^\s<>()]+[^\s<>().,;:!?])/;

function element(name, ...children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}

function link(address, label) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return label;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return label;
  const node = element('a', label);
  node.href = url.href;
  node.rel = 'noopener noreferrer nofollow';
  node.target = '_blank';
  return node;
}

function inlines(text) {
  const nodes = [];
  for (;;) {
    const found = inline.exec(text);
    if (found === null) break;
    if (found.index > 0) nodes.push(text.slice(0, found.index));
    const [all, , code, strong, strong2, em, gone, label, address, bare] = found;
    if (code !== undefined) nodes.push(element('code', code.trim()));
    else if (strong ?? strong2) nodes.push(element('strong', ...inlines(strong ?? strong2)));
    else if (em !== undefined) nodes.push(element('em', ...inlines(em)));
    else if (gone !== undefined) nodes.push(element('del', ...inlines(gone)));
    else if (address !== undefined) nodes.push(link(address, label || address));
    else nodes.push(link(bare, bare));
    text = text.slice(found.index + all.length);
  }
  if (text) nodes.push(text);
  return nodes;
}

const deepest = 16; // levels of quotes and lists; what is nested deeper stays text
const bullet = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;

function list(lines, at, out, level) {
  const first = bullet.exec(lines[at]);
  const depth = first[1].length;
  const root = element(/\d/.test(first[2]) ? 'ol' : 'ul');
  let item = null;
  while (at < lines.length) {
    const found = bullet.exec(lines[at]);
    if (found === null) {
      if (!/^\s+\S/.test(lines[at]) || item === null) break;
      item.append(' ', ...inlines(lines[at].trim()));
      at++;
    } else if (found[1].length > depth + 1 && item !== null && level < deepest) {
      at = list(lines, at, item, level + 1);
    } else if (found[1].length < depth) {
      break;
    } else {
      item = element('li', ...inlines(found[3]));
      root.append(item);
      at++;
    }
  }
  out.append(root);
  return at;
}

const cells = (line) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());

function table(lines, at, out) {
  const head = element('tr', ...cells(lines[at]).map((cell) => {
    const node = element('th', ...inlines(cell));
    node.scope = 'col';
    return node;
  }));
  const body = element('tbody');
  for (at += 2; at < lines.length && lines[at].includes('|'); at++) {
    body.append(element('tr', ...cells(lines[at]).map((cell) => element('td', ...inlines(cell)))));
  }
  out.append(element('table', element('thead', head), body));
  return at;
}

function fence(lines, at, out) {
  const mark = /^\s*(```+|~~~+)/.exec(lines[at])[1];
  const code = [];
  for (at++; at < lines.length && !lines[at].trim().startsWith(mark); at++) code.push(lines[at]);
  const node = element('pre', element('code', code.join('\n')));
  node.tabIndex = 0;
  out.append(node);
  return at + 1;
}

function quote(lines, at, out, level) {
  const inner = [];
  for (; at < lines.length && /^\s*>/.test(lines[at]); at++) inner.push(lines[at].replace(/^\s*> ?/, ''));
  out.append(element('blockquote', level < deepest ? render(inner.join('\n'), level + 1) : inner.join('\n')));
  return at;
}

function paragraph(lines, at, out) {
  const text = [];
  while (at < lines.length && lines[at].trim() !== '' &&
         (text.length === 0 || !/^\s*(#{1,6}\s|>|```|~~~|[-*+]\s|\d{1,9}[.)]\s)/.test(lines[at]))) {
    text.push(lines[at++].trim());
  }
  out.append(element('p', ...inlines(text.join('\n'))));
  return at;
}

export function render(text, level = 0) {
  const out = document.createDocumentFragment();
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (line.trim() === '') at++;
    else if (/^\s*(```|~~~)/.test(line)) at = fence(lines, at, out);
    else if (heading) {
      // The page has h1 and h2 of its own.
      out.append(element(`h${Math.min(6, heading[1].length + 2)}`, ...inlines(heading[2])));
      at++;
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.append(element('hr'));
      at++;
    } else if (/^\s*>/.test(line)) at = quote(lines, at, out, level);
    else if (bullet.test(line)) at = list(lines, at, out, level);
    else if (line.includes('|') && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1] ?? '')) at = table(lines, at, out);
    else at = paragraph(lines, at, out);
  }
  return out;
}
