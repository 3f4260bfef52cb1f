// Bytes to the host as no HTTP client would send them: what comes back is read even while more is being sent.
import net from 'node:net';

// Everything the host says until it closes. `parts` are written one after the other; a client that is cut off goes on reading.
export function exchange(port, ...parts) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect({ port, host: '127.0.0.1' }, () => { for (const part of parts) socket.write(part); });
    socket.on('data', (part) => { text += part.toString('latin1'); });
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)));
    socket.on('close', () => resolve(text));
  });
}

export const statusOf = (text) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
export const errorOf = (text) => JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)).error;
