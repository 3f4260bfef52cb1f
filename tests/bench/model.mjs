// A model that streams at a fixed pace and says when: each delta holds the time it was sent, on the clock that all
// processes of a machine share; the parent hears when a client hung up. usage: node model.mjs DELTAS PAUSE_MS [JITTER_MS] [tls|h2 KEY CERT]
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const numbers = process.argv.slice(2).filter((word) => /^\d+$/.test(word)).map(Number);
const [deltas, pauseMs, jitterMs = 0] = numbers;
const tlsAt = process.argv.findIndex((word) => word === 'tls' || word === 'h2');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const event = (value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;

function serve(call, answer) {
  let isOver = false;
  answer.on('close', () => {
    if (!isOver) process.send?.({ goneAt: Number(process.hrtime.bigint()) / 1e6 });
    isOver = true;
  });
  call.resume().on('end', async () => {
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < deltas && !isOver; i++) {
      await sleep(pauseMs + Math.random() * jitterMs);
      answer.write(event({ choices: [{ index: 0, delta: { content: `<${process.hrtime.bigint()}>` } }] }));
    }
    if (isOver) return;
    isOver = true;
    answer.end(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) + event('[DONE]'));
  });
}
function makeServer() {
  if (tlsAt < 0) return http.createServer(serve);
  const identity = { key: readFileSync(process.argv[tlsAt + 1]), cert: readFileSync(process.argv[tlsAt + 2]) };
  return process.argv[tlsAt] === 'tls' ? https.createServer(identity, serve)
    : http2.createSecureServer({ ...identity, allowHTTP1: true }, serve);
}
const server = makeServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(`port ${server.address().port}`));
