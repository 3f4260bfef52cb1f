// One answer on the page: thinking folded away, tools while they run, text as it streams in.
import { render } from './markdown.js';
import { say } from './texts.js';

function make(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

export function addQuestion(log, text) {
  const box = make('article', 'message user');
  box.append(make('p', 'who', say('you')), document.createTextNode(text));
  log.append(box);
  log.scrollTop = log.scrollHeight;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function block(title, text) {
  const code = make('pre', '', pretty(text));
  code.tabIndex = 0;
  return [make('h3', '', title), code];
}

export class Answer {
  constructor(log) {
    this.log = log;
    this.text = '';
    this.tools = new Map();
    this.box = make('article', 'message agent');
    this.box.setAttribute('aria-busy', 'true');
    this.box.append(make('p', 'who', say('agent')));
    log.append(this.box);
    this.part = null;
  }

  follow() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  reasoning(text) {
    if (this.part?.kind !== 'thinking') {
      const box = make('details', 'thinking');
      const body = make('pre');
      body.tabIndex = 0;
      box.append(make('summary', '', say('thinking')), body);
      this.box.append(box);
      this.part = { kind: 'thinking', body };
    }
    this.part.body.textContent += text;
    this.follow();
  }

  addText(text) {
    if (this.part?.kind !== 'text') {
      const body = make('div', 'text');
      this.box.append(body);
      this.part = { kind: 'text', body, source: '' };
    }
    this.text += text;
    this.part.source += text;
    this.part.body.replaceChildren(render(this.part.source));
    this.follow();
  }

  tool(tool) {
    let shown = this.tools.get(tool.id);
    if (shown === undefined) {
      const box = make('details', 'tool');
      shown = { box, summary: make('summary'), progress: make('p') };
      box.append(shown.summary, ...block(say('arguments'), tool.arguments ?? ''), shown.progress);
      this.box.append(box);
      this.tools.set(tool.id, shown);
      this.part = null;
    }
    if (tool.name) shown.name = tool.name;
    const state = tool.state === 'finished' ? `${say(tool.outcome)}, ${tool.duration_ms} ${say('ms')}` : say('running');
    shown.summary.textContent = `${say('tool')} ${shown.name}: ${state}`;
    if (tool.state === 'progress') shown.progress.textContent = tool.text;
    if (tool.state === 'finished') {
      shown.progress.remove();
      shown.box.append(...block(say('result'), tool.result ?? ''));
      shown.box.classList.toggle('bad', tool.outcome !== 'ok');
    }
    this.follow();
  }

  problem(text, action) {
    const line = make('p', 'problem', `${text} `);
    line.setAttribute('role', 'alert');
    if (action) {
      const button = make('button', '', action.label);
      button.type = 'button';
      button.addEventListener('click', action.run);
      line.append(button);
    }
    this.box.append(line);
    this.follow();
  }

  end() {
    this.box.removeAttribute('aria-busy');
  }
}
