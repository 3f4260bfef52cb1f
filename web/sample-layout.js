// The Java sample writes thinking and answer into one text: "Thinking: ...", a blank line, "Text: ...". This takes them apart.
const toThinking = 'Thinking: ', toText = 'Text: ';

// How much of the end of `text` may be the beginning of `mark`.
function begun(text, mark) {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--) {
    if (mark.startsWith(text.slice(-length))) return length;
  }
  return 0;
}

export class SampleLayout {
  constructor(on) {
    this.on = on; // {reasoning, text}
    this.rest = '';
    this.mode = 'undecided';
  }

  give(text) {
    if (text !== '') (this.mode === 'thinking' ? this.on.reasoning : this.on.text)(text);
  }

  // Only an answer that begins with a mark is laid out so; in any other one the same words are just words.
  decide() {
    for (const [mark, mode] of [[toThinking, 'thinking'], [toText, 'text']]) {
      if (this.rest.startsWith(mark)) {
        this.mode = mode;
        this.rest = this.rest.slice(mark.length);
        return;
      }
      if (mark.startsWith(this.rest)) return;
    }
    this.mode = 'plain';
  }

  add(text) {
    this.rest += text;
    if (this.mode === 'undecided') this.decide();
    while (this.mode === 'thinking' || this.mode === 'text') {
      const mark = `\n\n${this.mode === 'thinking' ? toText : toThinking}`;
      const at = this.rest.indexOf(mark);
      const ready = at < 0 ? this.rest.length - begun(this.rest, mark) : at;
      this.give(this.rest.slice(0, ready));
      this.rest = this.rest.slice(at < 0 ? ready : at + mark.length);
      if (at < 0) return;
      this.mode = this.mode === 'thinking' ? 'text' : 'thinking';
    }
    if (this.mode === 'plain') this.end();
  }

  end() {
    this.give(this.rest);
    this.rest = '';
  }
}
