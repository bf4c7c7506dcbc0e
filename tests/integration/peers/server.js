// SPDX-License-Identifier: MIT
const net = require('net');

const server = net.createServer((socket) => {
  socket.on('data', (data) => console.log(`client send message: ${data}`));
  socket.write('hello client!');
});

server.listen(process.argv[2] ?? 8888, '127.0.0.1', () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
