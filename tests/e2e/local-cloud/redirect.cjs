// Loaded before a client that has host names built in: sends its connections to the stand-in.
// REDIRECTS is JSON, {"sts.aliyuncs.com:443": 12345}. Nothing else of the client is changed.
const net = require('node:net');

const ports = JSON.parse(process.env.REDIRECTS ?? '{}');
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function redirected(...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  const port = ports[`${options?.host}:${options?.port}`];
  if (port !== undefined) Object.assign(options, { host: '127.0.0.1', port });
  return connect.apply(this, args);
};
