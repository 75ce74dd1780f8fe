// Calls Node's handler as Lambda's runtime does: it is loaded once, then an event a line, and an answer a line.
// Beside each answer stands whom the process connected to so far.

const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');

const reached = new Set();
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const [options] = Array.isArray(given[0]) ? given[0] : given;
  reached.add(typeof options === 'object' ? `${options.host}:${options.port}` : String(options));
  return connect.apply(this, given);
};

const { handler } = require(path.join(__dirname, '../../examples/lambda/node/handler.js'));

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const answer = await handler(JSON.parse(line));
    process.stdout.write(`${JSON.stringify({ answer, reached: [...reached].sort() })}\n`);
  }
}

main();
