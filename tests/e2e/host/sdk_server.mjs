// An MCP server on the TypeScript SDK, with or without sessions, answering with streams or with JSON.
import { randomUUID } from 'node:crypto';
import http from 'node:http';

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, isInitializeRequest, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const tools = [
  { name: 'sum', description: 'Adds numbers', inputSchema: { type: 'object', required: ['numbers'], additionalProperties: false,
    properties: { numbers: { type: 'array', items: { type: 'number' }, minItems: 1 } } },
  outputSchema: { type: 'object', required: ['sum'], properties: { sum: { type: 'number' } } } },
  { name: 'slow', description: 'Reports progress before it answers', inputSchema: { type: 'object' } },
];

function newServer() {
  const server = new Server({ name: 'sdk-peer', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: args, _meta } }, { sendNotification }) => {
    if (name === 'sum') {
      const sum = args.numbers.reduce((a, b) => a + b, 0);
      return { content: [{ type: 'text', text: JSON.stringify({ sum }) }], structuredContent: { sum } };
    }
    for (let progress = 1; progress <= 3; progress++)
      await sendNotification({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress, total: 3 } });
    return { content: [{ type: 'text', text: 'slow is done' }] };
  });
  return server;
}

// {url, seen, stop}: `seen` are the requests as [method, JSON-RPC method, status].
export async function startSdkServer({ sessions, json }) {
  const open = new Map(), seen = [];
  const transportFor = async (id, message) => {
    if (open.has(id)) return open.get(id);
    if (sessions && !isInitializeRequest(message)) return undefined;
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: json, sessionIdGenerator: sessions ? randomUUID : undefined,
      onsessioninitialized: (made) => { open.set(made, transport); }, onsessionclosed: (gone) => { open.delete(gone); } });
    await newServer().connect(transport);
    return transport;
  };
  const listener = http.createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const message = text === '' ? undefined : JSON.parse(text);
    response.on('close', () => seen.push([request.method, message?.method, response.statusCode]));
    const transport = await transportFor(request.headers['mcp-session-id'], message);
    if (transport === undefined) response.writeHead(404).end();
    else if (!sessions && request.method !== 'POST') response.writeHead(405).end();
    else await transport.handleRequest(request, response, message);
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const stop = () => new Promise((resolve) => {
    listener.close(resolve);
    listener.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${listener.address().port}/mcp`, seen, sessions: open, stop };
}
