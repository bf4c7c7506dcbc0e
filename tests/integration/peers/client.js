// SPDX-License-Identifier: MIT
const net = require('net');

const client = net.connect(process.argv[2] ?? 8888, '127.0.0.1', () => client.write('hello server!'));
client.on('data', (data) => {
  console.log(`server send message: ${data}`);
  client.end();
});
client.on('end', () => console.log('disconnected from server'));
