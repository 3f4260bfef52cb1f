// One question to the agent: sends the history, reads the stream, tells what comes.

import { SampleLayout } from './sample-layout.js';

// A failure the page has a text for.
export class ChatProblem extends Error {
  constructor(name, ...values) {
    super(name);
    this.values = values;
  }
}

async function problemOf(response) {
  if (response.status === 401) return new ChatProblem('expired');
  let message = response.statusText;
  try {
    message = (await response.json()).error.message;
  } catch {
    // not JSON: the status says enough
  }
  if (response.status === 403) return new ChatProblem('denied', message);
  if (response.status === 429) return new ChatProblem('busy', response.headers.get('retry-after') || '1');
  return new ChatProblem('failure', response.status, message);
}

// Yields the data of each server-sent event.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n|\r/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('data:')) yield line.slice(5).trim();
    }
  }
}

// Calls on.reasoning, on.text, on.tool as things come; resolves when the answer is complete.
export async function ask(apiUrl, token, messages, on, signal) {
  let response;
  try {
    response = await fetch(apiUrl, {
      method: 'POST', signal, referrerPolicy: 'no-referrer', credentials: 'omit',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ messages, stream: true }),
    });
  } catch (error) {
    throw signal.aborted ? error : new ChatProblem('network');
  }
  if (!response.ok) throw await problemOf(response);
  const layout = new SampleLayout(on);
  try {
    for await (const data of events(response.body)) {
      if (data === '[DONE]') return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ChatProblem('broken', chunk.error.message);
      const delta = chunk.choices?.[0]?.delta ?? {};
      if (chunk.sesame?.layout) continue;
      if (chunk.sesame?.tool) on.tool(chunk.sesame.tool);
      // Some servers put both into one delta; where they are the same, the second is for the sample's page.
      if (delta.reasoning_content) on.reasoning(delta.reasoning_content);
      if (delta.content && delta.content !== delta.reasoning_content) layout.add(delta.content);
    }
  } catch (error) {
    if (signal.aborted || error instanceof ChatProblem) throw error;
    throw new ChatProblem('cut');
  } finally {
    layout.end();
  }
  throw new ChatProblem('cut');
}
