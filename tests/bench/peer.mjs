// The peer: the same agent as people write it in Node.js, with express, jose, the openai client and the MCP SDK.
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import OpenAI from 'openai';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const env = process.env;
const keys = createRemoteJWKSet(new URL(env.JWKS_ENDPOINT));
const model = new OpenAI({ baseURL: env.LLM_BASE_URL, apiKey: env.PEER_MODEL_KEY });
let mcp, tools = [];

async function connect() {
  mcp = new Client({ name: 'peer', version: '1' });
  await mcp.connect(new StreamableHTTPClientTransport(new URL(env.EXTERNAL_SERVER_URL),
    { requestInit: { headers: { authorization: `Bearer ${env.PEER_MAP_KEY}` } } }));
  tools = (await mcp.listTools()).tools.map((tool) => ({ type: 'function',
    function: { name: tool.name, description: tool.description, parameters: tool.inputSchema } }));
}

const app = express();
app.use(express.json({ limit: '4mb' }));
app.get('/health', (_, response) => response.json({ status: 'ok' }));
app.post('/openai/v1/chat/completions', async (request, response) => {
  try {
    await jwtVerify(request.headers.authorization?.slice(7) ?? '', keys, { audience: env.AGENT_AUDIENCE });
  } catch {
    response.status(401).json({ error: { message: 'no' } });
    return;
  }
  response.setHeader('content-type', 'text/event-stream');
  const messages = [...request.body.messages];
  for (let round = 0; round < 10; round++) {
    const calls = [];
    const stream = await model.chat.completions.create({ model: env.LLM_MODEL, messages, tools, stream: true,
      stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta;
      for (const piece of delta?.tool_calls ?? []) {
        calls[piece.index] ??= { id: piece.id, type: 'function', function: { name: piece.function.name, arguments: '' } };
        calls[piece.index].function.arguments += piece.function.arguments ?? '';
      }
      if (delta?.content) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    }
    if (calls.length === 0) break;
    messages.push({ role: 'assistant', content: '', tool_calls: calls });
    for (const call of calls) {
      const result = await mcp.callTool({ name: call.function.name, arguments: JSON.parse(call.function.arguments || '{}') });
      messages.push({ role: 'tool', tool_call_id: call.id, content: result.content.map((part) => part.text).join('') });
    }
  }
  response.end('data: [DONE]\n\n');
});
const server = app.listen(0, '127.0.0.1', () => console.log(`"msg":"listening","port":${server.address().port}`));
await connect();
console.log('connected');
