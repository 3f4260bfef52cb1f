// A model that calls every tool it is offered and then repeats what the tools said, a line each.
import { once } from 'node:events';
import http from 'node:http';

export async function startModel() {
  const web = http.createServer(async (request, response) => {
    let text = '';
    for await (const bytes of request) text += bytes;
    const { messages, tools } = JSON.parse(text);
    const said = messages.filter((message) => message.role === 'tool').map((message) => message.content);
    const calls = tools.map(({ function: { name } }, index) =>
      ({ index, id: `call-${index}`, type: 'function', function: { name, arguments: '{}' } }));
    const delta = said.length > 0 ? { content: said.join('\n') } : { tool_calls: calls };
    const chunk = (choice) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }] })}\n\n`;
    response.setHeader('Content-Type', 'text/event-stream');
    response.end(`${chunk({ delta })}${chunk({ delta: {}, finish_reason: said.length > 0 ? 'stop' : 'tool_calls' })}data: [DONE]\n\n`);
  }).listen(0, '127.0.0.1');
  await once(web, 'listening');
  return { url: `http://127.0.0.1:${web.address().port}/v1`, stop: () => { web.close(); web.closeAllConnections(); } };
}

// One turn; what each tool said.
export async function ask(agent, token) {
  const answer = await fetch(`${agent.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ stream: false, messages: [{ role: 'user', content: 'What did I order?' }] }),
  });
  const body = await answer.json();
  if (answer.status !== 200) throw new Error(JSON.stringify(body) + agent.output());
  return body.choices[0].message.content.match(/\{[^}]*\}/g).map((facts) => JSON.parse(facts));
}
